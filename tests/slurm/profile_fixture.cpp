// SPDX-License-Identifier: Apache-2.0
#include "tests/slurm/profile_fixture.h"

#include <stdlib.h>

#include <fstream>
#include <stdexcept>

#include "recipes/load.h"

namespace r1::testing {

void ProfileTest::SetUp() {
    before_ = std::filesystem::current_path();
    std::string name = (std::filesystem::temp_directory_path() / "r1-profile-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    std::filesystem::current_path(folder_);
    for (const char* variable : {"R1CTL_CLUSTERS", "R1CTL_CLUSTER", "XDG_CONFIG_HOME"})
        ::unsetenv(variable);
    ::setenv("HOME", folder_.c_str(), 1);
}

void ProfileTest::TearDown() {
    std::filesystem::current_path(before_);
    std::filesystem::remove_all(folder_);
}

void ProfileTest::write(const std::string& file, std::string_view text) {
    std::ofstream out(file, std::ios::binary);
    out << text;
}

std::vector<ClusterProfile> ProfileTest::load(std::string_view text) {
    write("c.yaml", text);
    return load_profiles({"c.yaml"});
}

std::string ProfileTest::report_of(const std::vector<std::filesystem::path>& files) {
    try {
        load_profiles(files);
        return {};
    } catch (const RecipeError& error) {
        EXPECT_EQ(error.code(), ExitCode::kUsage);
        return error.what();
    }
}

std::string ProfileTest::report(std::string_view text) {
    write("c.yaml", text);
    return report_of({"c.yaml"});
}

std::string ProfileTest::complaint(const std::string& line) {
    const std::string whole = report(broken("name: alps\n", "name: alps\n    " + line + "\n"));
    return whole.substr(0, whole.find('\n'));
}

std::string ProfileTest::broken(std::string_view old_text, std::string_view new_text) {
    std::string text(kAlps);
    const std::size_t at = text.find(old_text);
    if (at == std::string::npos) throw std::logic_error("kAlps lacks " + std::string(old_text));
    return text.replace(at, old_text.size(), new_text);
}

}  // namespace r1::testing
