// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/doctor.h"

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>
#include <sstream>

#include "cli/diagnosis.h"
#include "cli/runs_folder.h"
#include "common/error.h"
#include "common/json.h"
#include "common/text.h"

namespace r1::cli {

namespace {

/// Further lines of a detail stand under its first.
void print(const Diagnosis& diagnosis, std::ostream& out) {
    std::string status = to_string(diagnosis.status);
    status.resize(9, ' ');
    out << status << diagnosis.what << ": ";
    std::istringstream lines(diagnosis.detail);
    bool first = true;
    for (std::string line; std::getline(lines, line); first = false)
        out << (first ? "" : "\n         ") << printable(line);
    out << '\n';
    if (!diagnosis.next.empty()) out << "         next: " << diagnosis.next << '\n';
}

Json to_json(const Diagnosis& diagnosis) {
    return Json{{"status", to_string(diagnosis.status)},
                {"what", diagnosis.what},
                {"detail", printable(diagnosis.detail)},
                {"next", diagnosis.next}};
}

int print_profile(Context& context) {
    const std::vector<PartitionFacts> partitions = read_partitions();
    const auto config = read_config();
    std::vector<std::string> plugins;
    try {
        plugins = read_mpi_plugins();
    } catch (const Error& e) {  // srun may be missing where mpirun starts the ranks
        context.err << "note: " << e.what() << '\n';
    }
    context.out << profile_text(partitions, config, plugins);
    context.err << "next: fill in the prices, then r1ctl check RECIPE --cluster\n";
    return 0;
}

}  // namespace

void add_doctor(CLI::App& app, Context& context) {
    auto options = std::make_shared<DoctorOptions>();
    CLI::App* command =
        app.add_subcommand("doctor", "What this machine and cluster have, and what is missing");
    command->add_flag("--profile", options->profile,
                      "Print a cluster file (clusters.yaml) made from what Slurm says");
    command->add_flag("--json", options->json, "Print JSON (schema 1)");
    add_runs_option(*command, options->runs);
    command->footer("Asks Slurm a handful of questions and changes nothing.");
    command->callback([options, &context] { context.exit_code = run_doctor(*options, context); });
}

int run_doctor(const DoctorOptions& options, Context& context) {
    if (options.profile) return print_profile(context);
    std::vector<Diagnosis> all = diagnose_machine();
    for (const auto& part : {diagnose_slurm(), diagnose_setup(options.runs)})
        all.insert(all.end(), part.begin(), part.end());
    if (options.json) {
        Json list = Json::array();
        for (const Diagnosis& diagnosis : all) list.push_back(to_json(diagnosis));
        context.out << Json{{"schema", 1}, {"findings", list}}.dump(2) << '\n';
        return 0;
    }
    for (const Diagnosis& diagnosis : all) print(diagnosis, context.out);
    return 0;
}

}  // namespace r1::cli
