// SPDX-License-Identifier: Apache-2.0
#include "slurm/billing/tres.h"

#include <algorithm>
#include <optional>
#include <stdexcept>

#include "common/text.h"
#include "slurm/slurm_text.h"

namespace r1 {

namespace {

/// "1g.10gb", "a100_1g.5gb": a slice of a GPU (Multi-Instance GPU), also behind the GPU's name.
bool is_slice(std::string_view type) {
    const std::size_t g = type.find("g.");
    return g != std::string_view::npos && g > 0 && type[g - 1] >= '0' && type[g - 1] <= '9' &&
           type.find("gb", g) != std::string_view::npos;
}

class Reader {
  public:
    explicit Reader(std::string_view text) : text_(text) {
        while (!text.empty()) {
            const std::size_t comma = std::min(text.find(','), text.size());
            take(text.substr(0, comma));
            text.remove_prefix(std::min(comma + 1, text.size()));
        }
    }

    ParsedTres finish() {
        // Where only types are tracked there is no sum.
        if (!told_gpus_) parsed_.allocated.gpus = typed_gpus_;
        if (parsed_.refused.empty() && parsed_.allocated.gpus == 0 && parts_)
            parsed_.refused = "shares of a GPU are not GPUs, and what a share is is not known";
        return parsed_;
    }

  private:
    void take(std::string_view item) {
        constexpr std::string_view kTyped = "gres/gpu:";
        const std::size_t equals = item.find('=');
        if (equals == std::string_view::npos || equals == 0) refuse(item);
        const std::string_view name = item.substr(0, equals);
        const std::string_view value = item.substr(equals + 1);
        Allocation& allocated = parsed_.allocated;
        if (name == "cpu") allocated.cores = number(item, value);
        if (name == "node") allocated.nodes = number(item, value);
        if (name == "billing") allocated.billing = number(item, value);
        if (name == "gres/shard" || name == "gres/mps") parts_ = parts_ || number(item, value) > 0;
        if (name == "gres/gpu") {
            allocated.gpus = number(item, value);
            told_gpus_ = true;
        }
        if (name.starts_with(kTyped)) take_type(name.substr(kTyped.size()), number(item, value));
    }

    void take_type(std::string_view type, std::int64_t count) {
        if (count == 0) return;
        typed_gpus_ += count;
        std::string& types = parsed_.gpu_type;
        types += (types.empty() ? "" : "+") + std::string(type);
        if (is_slice(type))
            parsed_.refused = "gres/gpu:" + printable(type) +
                              " is a slice of a GPU (MIG), and its share of one is not known";
    }

    std::int64_t number(std::string_view item, std::string_view value) const {
        const std::optional<std::int64_t> parsed = parse_whole_number(value);
        if (!parsed) refuse(item);
        return *parsed;
    }

    [[noreturn]] void refuse(std::string_view item) const {
        throw std::invalid_argument("'" + printable(item) + "' of '" + printable(text_) +
                                    "' is not a resource and a whole number");
    }

    std::string_view text_;
    ParsedTres parsed_;
    std::int64_t typed_gpus_ = 0;
    bool told_gpus_ = false;
    bool parts_ = false;
};

}  // namespace

ParsedTres parse_tres(std::string_view text) {
    return Reader(text).finish();
}

}  // namespace r1
