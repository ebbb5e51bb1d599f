// SPDX-License-Identifier: Apache-2.0
#include "slurm/forecast/efficiencies.h"

namespace r1 {

Efficiencies assumed_efficiencies(const Layout& layout) {
    Efficiencies assumed;
    assumed.source = "assumed";
    if (layout.gpus) {
        // Published training runs report 35% to 50% of the peak, and decoding about 60% of the
        // bandwidth; a kernel launch takes some microseconds, of which a block has about ten.
        assumed.training = 0.4;
        assumed.prefill = 0.5;
        assumed.decode = 0.6;
        assumed.network = 0.7;
        assumed.step_seconds = 1;
        assumed.layer_seconds = 30e-6;
        assumed.save_seconds = 0.5;
        assumed.start_seconds = 120;
        return assumed;
    }
    // Seen of this trainer on one core of a server, models of some 100,000 parameters.
    assumed.training = 0.65;
    assumed.prefill = 0.65;
    assumed.decode = 0.45;
    assumed.network = 0.5;
    assumed.step_seconds = 1e-3;
    assumed.layer_seconds = 15e-6;
    assumed.save_seconds = 0.01;
    assumed.start_seconds = 0.5;
    return assumed;
}

}  // namespace r1
