// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/advantage.h"
#include "tests/mpi_runtime/parity/choice.h"
#include "tests/mpi_runtime/parity/reference_file.h"

namespace r1 {
namespace {

TEST(AdvantageParity, EveryConventionEqualsItsFormulaInPyTorch) {
    const nlohmann::json reference = test::load_reference("advantages");
    ASSERT_EQ(reference.at("cases").size(), 25U);
    for (const nlohmann::json& item : reference.at("cases")) {
        const auto kind = test::choice<AdvantageKind>(item.at("kind"));
        const std::vector<double> actual =
            group_advantages(test::numbers(item.at("rewards")), kind);
        test::expect_close(std::span<const double>(actual), test::numbers(item.at("advantages")),
                           1e-12, item.dump());
    }
}

}  // namespace
}  // namespace r1
