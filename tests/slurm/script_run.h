// SPDX-License-Identifier: Apache-2.0
// A job script run by bash with programs in the place of srun and r1ctl that keep what they were
// given.
#pragma once

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "common/subprocess.h"
#include "slurm/job_script.h"
#include "tests/common/temporary_folder.h"
#include "tests/slurm/plan_fixture.h"

namespace r1::testing {

class ScriptRun {
  public:
    /// The folder of the run has this name.
    explicit ScriptRun(const std::string& run_name = "run1") {
        std::filesystem::create_directories(bin());
        std::filesystem::create_directories(folder_ / "work");
        place_.run = folder_ / run_name;
        place_.r1ctl = bin() / "r1ctl";
        place_.rank_program = bin() / "r1ctl-rank";
        place_.environment = {{"PATH", bin().string() + ":/usr/bin:/bin"}};
        std::filesystem::create_directories(place_.run / "attempts/1");
        // It answers with the file begin, and ends with the code in the file end.
        program("r1ctl",
                "[ ! -e begin-first ] || . ./begin-first\n"
                "[ \"$2\" != begin ] || { cat begin; exit \"$(cat begin-code)\"; }\n"
                "[ \"$2\" != end ] || exit \"$(cat end-code)\"\n",
                "r1ctl-$2");
        program("srun", "[ \"$1\" = --mpi=none ] && exit \"$(cat prologue-code)\"\n. ./ranks\n",
                "srun-$(if [ \"$1\" = --mpi=none ]; then echo prologue; else echo ranks; fi)");
        program("mpirun", ". ./ranks\n", "mpirun");
        program("module", "exit 0\n", "module");
        begins("1 0");
        write("begin-code", "0");
        write("prologue-code", "0");
        write("end-code", "0");
        ranks("exit 0");
    }

    const JobPlace& place() const { return place_; }
    ClusterProfile profile = small_cluster();
    JobPlan plan{0, 1, "gpu", 16, 2, 8, 1, 8, "h800", 16, 16, 3600};

    void begins(const std::string& answer, int code = 0) {
        write("begin", answer);
        write("begin-code", std::to_string(code));
    }
    void begins_with(const std::string& commands) { write("begin-first", commands + "\n"); }
    void prologue_ends(int code) { write("prologue-code", std::to_string(code)); }
    void end_answers(int code) { write("end-code", std::to_string(code)); }
    /// What stands for the ranks. It may say "note TEXT".
    void ranks(const std::string& commands) { write("ranks", commands + "\n"); }
    void add_environment(const std::string& name, const std::string& value) {
        place_.environment[name] = value;
    }

    /// Runs the script in a folder of its own, without the environment of this test.
    Captured run() {
        const auto script = folder_ / "job.sbatch";
        std::ofstream(script, std::ios::binary) << job_script(plan, profile, place_);
        Command command;
        command.arguments = {"env",  "-i",           "-C", (folder_ / "work").string(),
                             "bash", script.string()};
        CaptureOptions options;
        options.errors = true;
        options.limit = std::chrono::seconds{40};
        return run_and_capture(command, options);
    }

    /// The arguments of a call: of "r1ctl-begin", "r1ctl-end", "srun-prologue", "srun-ranks".
    std::vector<std::string> arguments(const std::string& call) const {
        std::vector<std::string> list;
        std::istringstream stream(read(bin() / (call + ".argv")));
        for (std::string word; std::getline(stream, word, '\0');) list.push_back(word);
        return list;
    }
    /// What the epilogue was told: "--status 3 --signalled 0"; empty when it was not called.
    std::string told_to_end() const {
        const auto words = arguments("r1ctl-end");
        std::string text;
        for (std::size_t i = words.size() < 4 ? words.size() : words.size() - 4; i < words.size();
             ++i)
            text += (text.empty() ? "" : " ") + words[i];
        return text;
    }
    std::string notes() const { return read(bin() / "notes"); }
    std::string log() const { return read(place_.run / "attempts/1/log"); }
    /// What the script left in the folder where it ran.
    bool left_nothing() const { return std::filesystem::is_empty(folder_ / "work"); }
    std::filesystem::path bin() const { return folder_ / "bin"; }

    /// A program that writes its arguments to CALL.argv, goes to its folder and does `commands`.
    void program(const std::string& name, const std::string& commands, const std::string& call) {
        write(name,
              "#!/bin/bash\ncd \"${0%/*}\" || exit 99\nnote() { echo \"$*\" >>notes; }\n"
              "printf '%s\\0' \"$@\" >\"" +
                  call + ".argv\"\n" + commands);
        std::filesystem::permissions(bin() / name, std::filesystem::perms::owner_all);
    }

  private:
    void write(const std::string& name, const std::string& text) const {
        std::ofstream(bin() / name, std::ios::binary) << text;
    }
    static std::string read(const std::filesystem::path& path) {
        std::ostringstream text;
        text << std::ifstream(path, std::ios::binary).rdbuf();
        return text.str();
    }

    TemporaryFolder folder_;
    JobPlace place_;
};

}  // namespace r1::testing
