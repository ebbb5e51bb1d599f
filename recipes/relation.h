// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "recipes/fill.h"

namespace r1 {

/// Adds problems between two keys: at the place of the one, with the place of the other in the
/// message. Keys are paths, "stages.0.steps". A key that already failed is not complained of again.
class Relations {
  public:
    Relations(const Origins& origins, Problems& problems)
        : origins_(origins), problems_(problems) {}

    /// Whether the value of this key was read, or is a default.
    bool known(const std::string& path) const { return origins_.failed.count(path) == 0; }
    bool is_set(const std::string& path) const { return origins_.values.count(path) > 0; }

    /// Returns `holds`, and adds the problem when it does not hold. With an unknown key: false, and
    /// no problem.
    bool require(bool holds, const std::string& path, const std::string& other,
                 const std::string& message);
    /// The same for a rule about one key.
    bool require(bool holds, const std::string& path, const std::string& message);

  private:
    Place place_of(const std::string& path) const;

    const Origins& origins_;
    Problems& problems_;
};

}  // namespace r1
