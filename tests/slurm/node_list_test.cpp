// SPDX-License-Identifier: Apache-2.0
#include "slurm/node_list.h"

#include <gtest/gtest.h>

#include "common/error.h"
#include "tests/common/message_of.h"

namespace r1 {
namespace {

using Nodes = std::vector<std::string>;

TEST(NodeList, NamesAndRangesExpandInTheirOrder) {
    EXPECT_EQ(expand_node_list(""), Nodes{});
    EXPECT_EQ(expand_node_list("login"), Nodes{"login"});
    EXPECT_EQ(expand_node_list("b,a"), (Nodes{"b", "a"}));
    EXPECT_EQ(expand_node_list("gpu[01-03,7],login"),
              (Nodes{"gpu01", "gpu02", "gpu03", "gpu7", "login"}));
    EXPECT_EQ(expand_node_list("n[3]"), Nodes{"n3"});
}

TEST(NodeList, NumbersKeepTheWidthOfTheFirst) {
    EXPECT_EQ(expand_node_list("n[8-11]"), (Nodes{"n8", "n9", "n10", "n11"}));
    EXPECT_EQ(expand_node_list("n[098-101]"), (Nodes{"n098", "n099", "n100", "n101"}));
}

TEST(NodeList, SeveralBracketsAreNestedLoops) {
    EXPECT_EQ(expand_node_list("r[1-2]n[1-2]-ib"),
              (Nodes{"r1n1-ib", "r1n2-ib", "r2n1-ib", "r2n2-ib"}));
    EXPECT_EQ(expand_node_list("[1-2]a"), (Nodes{"1a", "2a"}));
}

TEST(NodeList, OtherFormsAreRefused) {
    for (const char* list :
         {"n[1-2", "n1-2]", "n[[1]]", "n[]", "n[a]", "n[2-1]", "n[1-]", "n[-1]", "n[1,]", ",", "a,",
          ",a", "a,,b", "n[1--2]", "n]1[", "n[1 ]", "n[99999999999999999999]"})
        EXPECT_EQ(message_of([&] { expand_node_list(list); }),
                  "'" + std::string(list) + "' is not a list of nodes");
    try {
        expand_node_list("n[");
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ExitCode::kScheduler);
    }
}

TEST(NodeList, MoreThanAnyClusterHasIsRefusedBeforeItFillsTheMemory) {
    EXPECT_EQ(expand_node_list("n[1-65536]").size(), 65536U);
    std::string parts = "n[1-65536";
    for (int i = 0; i < 5000; ++i) parts += ",1-65536";
    for (const std::string& list :
         {std::string("n[0-65536]"), std::string("n[1-256]m[1-257]"), std::string("n[1-65536],m"),
          std::string("a[1-9999]b[1-9999]c[1-9999]"), parts + "]"})
        EXPECT_NE(message_of([&] { expand_node_list(list); }), "nothing was thrown");
}

}  // namespace
}  // namespace r1
