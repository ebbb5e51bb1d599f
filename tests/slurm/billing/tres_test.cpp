// SPDX-License-Identifier: Apache-2.0
#include "slurm/billing/tres.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace r1 {
namespace {

TEST(Tres, OfAWholeJob) {
    const ParsedTres tres =
        parse_tres("billing=72,cpu=64,gres/gpu:h800=16,gres/gpu=16,mem=512G,node=2");
    EXPECT_EQ(tres.allocated, (Allocation{16, 2, 64, 72}));
    EXPECT_EQ(tres.gpu_type, "h800");
    EXPECT_EQ(tres.refused, "");
}

TEST(Tres, OfNothing) {
    EXPECT_EQ(parse_tres("").allocated, Allocation{});
}

TEST(Tres, TypesAloneAreAdded) {
    const ParsedTres tres = parse_tres("gres/gpu:a100=2,gres/gpu:h100=4");
    EXPECT_EQ(tres.allocated.gpus, 6);
    EXPECT_EQ(tres.gpu_type, "a100+h100");
}

TEST(Tres, TheSumGoesBeforeTheTypes) {
    EXPECT_EQ(parse_tres("gres/gpu:a100=2,gres/gpu=8").allocated.gpus, 8);
}

TEST(Tres, PartsOfAGpuAreRefused) {
    EXPECT_NE(parse_tres("gres/gpu:1g.10gb=3,gres/gpu=3").refused.find("MIG"), std::string::npos);
    EXPECT_NE(parse_tres("gres/gpu:a100_1g.5gb=2").refused.find("MIG"), std::string::npos);
    EXPECT_EQ(parse_tres("gres/gpu:rtx_4090=2").refused, "");
    EXPECT_NE(parse_tres("cpu=4,gres/shard=2").refused.find("shares of a GPU"), std::string::npos);
    EXPECT_EQ(parse_tres("gres/gpu=1,gres/shard=0").refused, "");
}

TEST(Tres, AnotherFormIsAnError) {
    for (const char* text :
         {"cpu", "=4", "cpu=-1", "gres/gpu=1.5K", "node=two", "cpu=99999999999999999999"})
        EXPECT_THROW(parse_tres(text), std::invalid_argument) << text;
}

}  // namespace
}  // namespace r1
