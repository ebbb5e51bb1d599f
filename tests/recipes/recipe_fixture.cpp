// SPDX-License-Identifier: Apache-2.0
#include "tests/recipes/recipe_fixture.h"

#include <stdlib.h>

#include <fstream>
#include <stdexcept>

namespace r1::testing {

void RecipeTest::SetUp() {
    before_ = std::filesystem::current_path();
    std::string name = (std::filesystem::temp_directory_path() / "r1-recipes-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    std::filesystem::current_path(folder_);
}

void RecipeTest::TearDown() {
    std::filesystem::current_path(before_);
    std::filesystem::remove_all(folder_);
}

void RecipeTest::write(const std::string& file, std::string_view text) {
    std::ofstream out(file, std::ios::binary);
    out << text;
}

Recipe RecipeTest::load(std::string_view text, const std::vector<std::string>& overrides) {
    write("r.yaml", text);
    return load_recipe("r.yaml", overrides);
}

std::string RecipeTest::report(std::string_view text, const std::vector<std::string>& overrides) {
    write("r.yaml", text);
    return report_of_file("r.yaml", overrides);
}

std::string RecipeTest::report_of_file(const std::filesystem::path& file,
                                       const std::vector<std::string>& overrides) {
    try {
        load_recipe(file, overrides);
        return {};
    } catch (const RecipeError& error) {
        EXPECT_EQ(error.code(), ExitCode::kUsage);
        return error.what();
    }
}

std::string RecipeTest::broken(std::string_view old_text, std::string_view new_text) {
    std::string text(kGood);
    const std::size_t at = text.find(old_text);
    if (at == std::string::npos) throw std::logic_error("kGood lacks " + std::string(old_text));
    return text.replace(at, old_text.size(), new_text);
}

}  // namespace r1::testing
