// SPDX-License-Identifier: Apache-2.0
// What a cluster file is refused for: its texts become arguments, options and variables.
#include "tests/slurm/profile_fixture.h"

namespace r1::testing {

using ProfileRules = ProfileTest;

TEST_F(ProfileRules, NamesCannotBecomeOptions) {
    EXPECT_EQ(report(broken("account: m1234", "account: --wrap=id")),
              "c.yaml:4:14: account '--wrap=id' begins with '-' and would be taken for an option\n"
              "      account: --wrap=id\n               ^");
    for (const std::string key : {"partition", "account", "mpi"})
        EXPECT_NE(
            report(broken("    " + key + ": ", "    " + key + ": -x")).find("begins with '-'"),
            std::string::npos)
            << key;
    for (const std::string line : {"qos: -x", "constraint: -x"})
        EXPECT_NE(complaint(line).find("begins with '-'"), std::string::npos) << line;
    EXPECT_NE(report(broken("name: alps", "name: -x")).find("name '-x' begins"), std::string::npos);
    EXPECT_NE(report(broken("name: gpu", "name: -x")).find("name '-x' begins"), std::string::npos);
    EXPECT_NE(report(broken("[openmpi/4.1]", "[a, -x]"))
                  .find("c.yaml:8:18: modules '-x' begins with '-'"),
              std::string::npos);
    EXPECT_NE(report(broken("name: alps", "name: \"\"")).find("name '' is empty; write a name"),
              std::string::npos);
}

TEST_F(ProfileRules, NoControlCharactersAndLineEndsAnywhere) {
    for (const std::string bad :
         {R"("a\nb")", R"("a\0b")", R"("\e[31m")", R"("a\rb")", R"("a\tb")", R"("a\x7Fb")"})
        for (const std::string& line :
             {"qos: " + bad, "constraint: " + bad, "container: [" + bad + "]",
              "submit_options: [" + bad + "]", "launcher_options: [" + bad + "]"}) {
            const std::string text = complaint(line);
            EXPECT_NE(text.find("holds a control character"), std::string::npos) << line << text;
        }
    // Line ends of Unicode, and what turns the line around.
    for (const std::string bad : {R"("a\Lb")", R"("a\Nb")", "\"a\xE2\x80\xAE\""})
        EXPECT_NE(complaint("qos: " + bad).find("holds a character that no command line should"),
                  std::string::npos)
            << bad;
    EXPECT_NE(report(broken("WARN", R"("a\nb")")).find("environment holds a control character"),
              std::string::npos);
    EXPECT_NE(report(broken("h800", "h800:4,x")).find("is not Slurm's name of a GPU"),
              std::string::npos);
}

TEST_F(ProfileRules, OptionsOfR1ctlItselfAreRefused) {
    EXPECT_EQ(complaint("submit_options: [--mail-type=END, --job-name=x]"),
              "c.yaml:3:39: submit_options '--job-name=x' is set by r1ctl itself; leave it out");
    EXPECT_EQ(complaint("submit_options: [-Agold]"),
              "c.yaml:3:22: submit_options '-Agold' stands in the profile as a key of its own: "
              "write 'account'");
    for (const std::string word : {"--job-name",
                                   "--comment=a",
                                   "--output=x",
                                   "-ox",
                                   "--error=x",
                                   "-ex",
                                   "--parsable",
                                   "--open-mode=append",
                                   "--signal=USR2",
                                   "--nodes=2",
                                   "-N2",
                                   "--ntasks=2",
                                   "-n2",
                                   "--ntasks-per-node=2",
                                   "--time=1",
                                   "-t1",
                                   "--export=ALL",
                                   "--wrap=id",
                                   "--array=1-2",
                                   "-a1",
                                   "--dependency=x",
                                   "-d1",
                                   "--hold",
                                   "-H",
                                   "--test-only",
                                   "--gpus=1",
                                   "--gpus-per-task=1",
                                   "--gres=gpu",
                                   "-G1",
                                   "--jo=x",
                                   "--wra=id",
                                   "-Hn4",
                                   "-vn4",
                                   "-J",
                                   "--kill-on-invalid-dep=no"})
        EXPECT_NE(complaint("submit_options: [\"" + word + "\"]").find("is set by r1ctl itself"),
                  std::string::npos)
            << word;
    for (const std::string word : {"--requeue", "--no-requeue", "--partition=x", "-px", "--qos=x"})
        EXPECT_NE(complaint("submit_options: [\"" + word + "\"]").find("a key of its own"),
                  std::string::npos)
            << word;
    for (const std::string word :
         {"--mail-type=END,FAIL", "--reservation=a b", "--mem=0", "--gpu-freq=high", "--nodelist=x",
          "--exclude=node[1-3]", "--time-min=1", "--gres-flags=enforce-binding", "-v", "-L x"})
        EXPECT_EQ(complaint("submit_options: [\"" + word + "\"]"), "") << word;
}

TEST_F(ProfileRules, OptionsOfTheLauncherLikewise) {
    for (const std::string word :
         {"--output=x", "-ox", "--error=x", "-ex", "--ntasks=2", "--ntasks-per-node=2", "-n2",
          "--nodes=1", "-N1", "--multi-prog", "--export=NONE", "--gpu-bind=closest", "-np", "--np",
          "--cpus-per-task=2"})
        EXPECT_NE(complaint("launcher_options: [\"" + word + "\"]").find("is set by r1ctl itself"),
                  std::string::npos)
            << word;
    EXPECT_NE(complaint("launcher_options: [--mpi=pmi2]").find("write 'mpi'"), std::string::npos);
    for (const std::string word : {"--cpu-bind=cores", "--distribution=block", "--oversubscribe"})
        EXPECT_EQ(complaint("launcher_options: [\"" + word + "\"]"), "") << word;
}

TEST_F(ProfileRules, OptionsAreWordsThatBeginWithADash) {
    for (const std::string word : {"x", "", "-", "--", "mail-type=END"})
        EXPECT_NE(
            complaint("submit_options: [\"" + word + "\"]").find("is not an option; write it"),
            std::string::npos)
            << word;
    EXPECT_NE(complaint("submit_options: [--reservation maint]").find("has a space in its name"),
              std::string::npos);
}

TEST_F(ProfileRules, VariablesHaveAShellsNames) {
    const auto variable = [](const std::string& name) {
        return report(broken("NCCL_DEBUG", "\"" + name + "\""));
    };
    for (const std::string name : {"1A", "A-B", "A B", "A;id", "", "A=B", "$(id)", "caf\xC3\xA9"})
        EXPECT_NE(variable(name).find("is not a variable's name"), std::string::npos) << name;
    for (const std::string name : {"SLURM_JOB_ID", "SBATCH_EXPORT", "SRUN_X"})
        EXPECT_NE(variable(name).find("belongs to Slurm"), std::string::npos) << name;
    for (const std::string name : {"_x", "A", "OMPI_MCA_btl"})
        EXPECT_EQ(variable(name), "") << name;
}

TEST_F(ProfileRules, SecretsAreRefusedWithTheReason) {
    EXPECT_EQ(report(broken("NCCL_DEBUG: WARN", "HF_TOKEN: hf_x")),
              "c.yaml:9:19: environment: 'HF_TOKEN' looks like a secret, and would be written into "
              "the job script for others to read; put it in a file of mode 0600 that your own code "
              "reads\n      environment: {HF_TOKEN: hf_x}\n                    ^");
    for (const std::string name :
         {"WANDB_API_KEY", "db_password", "AWS_SECRET", "MySecrets", "X_CREDENTIALS", "GITHUB_PAT"})
        EXPECT_NE(report(broken("NCCL_DEBUG", name)).find("looks like a secret"), std::string::npos)
            << name;
    EXPECT_EQ(report(broken("NCCL_DEBUG", "TOKENIZERS_PARALLELISM")), "");
}

TEST_F(ProfileRules, ClusterHasPartitions) {
    EXPECT_EQ(report("clusters:\n  - name: a\n"),
              "c.yaml:2:5: missing: cluster 'a' has no 'partitions'\n    - name: a\n      ^");
    EXPECT_EQ(report("clusters:\n  - name: a\n    partitions: []\n"),
              "c.yaml:3:17: 'partitions' needs a list of partitions, each beginning with '- name: "
              "...', not an empty list\n      partitions: []\n                  ^");
    EXPECT_EQ(report(broken("partition: gpu", "partition: gup")),
              "c.yaml:3:16: cluster 'alps' has no partition 'gup'; did you mean 'gpu'?\n"
              "      partition: gup\n                 ^");
}

TEST_F(ProfileRules, NamesAreUnique) {
    EXPECT_EQ(report(broken("name: debug", "name: gpu")),
              "c.yaml:20:15: two partitions are named 'gpu' (name is set at c.yaml:12:15)\n"
              "        - name: gpu\n                ^");
    EXPECT_EQ(report(std::string(kAlps) + "  - {name: alps, partitions: [{name: x}]}\n"),
              "c.yaml:21:12: two clusters are named 'alps' (name is set at c.yaml:2:11)\n"
              "    - {name: alps, partitions: [{name: x}]}\n             ^");
    EXPECT_NE(report(broken("account: m1234", "account: a\n    account: b"))
                  .find("duplicate key 'account'"),
              std::string::npos);
}

TEST_F(ProfileRules, SrunNeedsAnMpi) {
    EXPECT_NE(report(broken("mpi: pmix", "mpi: \"\"")).find("c.yaml:6:10: srun needs 'mpi'"),
              std::string::npos);
    EXPECT_EQ(report("clusters: [{name: a, launcher: mpirun, mpi: \"\", partitions: [{name: p}]}]"),
              "");
}

TEST_F(ProfileRules, ValuesHaveTheirTypes) {
    EXPECT_EQ(report(broken("[openmpi/4.1]", "openmpi/4.1")),
              "c.yaml:8:14: modules needs a list of texts such as [a, b], not 'openmpi/4.1'\n"
              "      modules: openmpi/4.1\n               ^");
    EXPECT_EQ(report(broken("{NCCL_DEBUG: WARN}", "[NCCL_DEBUG]")),
              "c.yaml:9:18: environment needs a map of texts such as {A: b}, not a list\n"
              "      environment: [NCCL_DEBUG]\n                   ^");
    EXPECT_NE(report(broken("[openmpi/4.1]", "[[a]]")).find("modules holds texts, not a list"),
              std::string::npos);
    EXPECT_NE(report(broken("WARN", "[a]")).find("environment holds texts, not a list"),
              std::string::npos);
    EXPECT_NE(report(broken("WARN", "")).find("environment holds texts, not nothing"),
              std::string::npos);
    EXPECT_NE(complaint("container: [-x]").find("container begins with an option"),
              std::string::npos);
    EXPECT_NE(report(broken("/scratch", "scratch")).find("is not a whole path; begin it with '/'"),
              std::string::npos);
    EXPECT_NE(report(broken("launcher: srun", "launcher: orterun"))
                  .find("launcher cannot be 'orterun'; it is srun or mpirun"),
              std::string::npos);
    EXPECT_NE(report(broken("gpus-per-node", "gpu-per-node")).find("did you mean 'gpus-per-node'?"),
              std::string::npos);
    EXPECT_NE(report(broken("2.00", "-2")).find("price_per_gpu_hour: '-2' is not a price"),
              std::string::npos);
    EXPECT_NE(complaint("currency: dollars").find("is not a currency"), std::string::npos);
    EXPECT_NE(report(broken("24h", "24:00")).find("could mean 24h0m or 24m0s"), std::string::npos);
}

TEST_F(ProfileRules, KeyInTheWrongPlaceNamesItsOwn) {
    EXPECT_EQ(complaint("gpus_per_node: 8"),
              "c.yaml:3:5: unknown key 'gpus_per_node' here; it belongs to 'partitions'");
    EXPECT_NE(report(broken("        nodes: 64", "        account: x"))
                  .find("unknown key 'account' here; it belongs to 'clusters'"),
              std::string::npos);
    EXPECT_NE(report(broken("        nodes: 64", "        clusters: x"))
                  .find("unknown key 'clusters' here; it stands at the top of a cluster file"),
              std::string::npos);
    EXPECT_NE(complaint("base: x.yaml").find("unknown key 'base'"), std::string::npos);
}

}  // namespace r1::testing
