// SPDX-License-Identifier: Apache-2.0
// Nodes that fail, daemons that die and come back, a controller that starts again: the run goes on,
// one attempt at a time, and gives the bits of the run that nobody touched.
#include <signal.h>

#include "tests/system/processes.h"
#include "tests/system/slurm/on_cluster.h"
#include "tests/system/small_recipe.h"

namespace r1 {
namespace {

/// Each run has its own nodes: what happens to those of one does not happen to another.
class Nodes : public OnCluster {
  protected:
    static void SetUpTestSuite() {
        OnCluster::SetUpTestSuite();
        if (cluster) cluster->give_whole_nodes();
    }
    void SetUp() override {
        OnCluster::SetUp();
        if (cluster) wait_for_idle_nodes(4, 60);
    }

    static bool is_down(const std::string& node) {
        ::usleep(300'000);
        return slurm_or_words({"sinfo", "-h", "-n", node, "-o", "%T"}).starts_with("down");
    }

    static void node_fails(std::size_t which) {
        const SubmittedRun one;
        one.wait_for_step(25);
        const std::string node = one.attempt().slurm->nodes.at(which);
        one.freeze();
        cluster->act({"fail-node", node});
        one.thaw();
        one.wait_for(
            "that Slurm misses " + node, [&] { return is_down(node); }, 60);
        cluster->act({"start-node", node});
        one.expect_untouched_end();
        EXPECT_GE(one.attempt().number, 2);
    }
};

TEST_F(Nodes, ThatFailAreGoneOnWithout) {
    untouched(cluster_recipe());
    at_once({{"the batch node", [] { node_fails(0); }}, {"another", [] { node_fails(1); }}});
}

/// It is back before Slurm misses it.
TEST_F(Nodes, WhoseDaemonStartsAgainKeepTheirRanks) {
    const SubmittedRun one;
    one.wait_for_step(20);
    const std::string node = one.attempt().slurm->nodes.at(0);
    one.freeze();
    cluster->act({"stop-node", node});
    ::sleep(2);
    cluster->act({"start-node", node});
    one.thaw();
    one.expect_untouched_end();
    EXPECT_EQ(one.attempt().number, 1);
}

TEST_F(Nodes, DoNotMindAControllerThatStartsAgain) {
    untouched(cluster_recipe());
    const SubmittedRun trains;
    trains.wait_for_step(10);
    trains.freeze();
    const SubmittedRun ends;
    ends.wait_for_step(10);
    ends.freeze();
    cluster->act({"restart-controller"});
    cluster->act({"restart-controller", "--kill"});
    // srun cannot end without a controller, and the epilogue comes as it begins to answer again.
    cluster->act({"stop-controller"});
    ::kill(ends.rank(1, 1), SIGKILL);
    ends.thaw();
    ::sleep(5);
    cluster->act({"start-controller"});
    trains.thaw();
    trains.expect_untouched_end();
    EXPECT_EQ(trains.attempt().number, 1);
    ends.expect_untouched_end();
    EXPECT_EQ(ends.attempt().number, 2);
}

}  // namespace
}  // namespace r1
