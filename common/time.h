// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace r1 {

/// Milliseconds since 1970-01-01 UTC by this host's clock.
std::int64_t utc_milliseconds();
/// "2026-11-21T20:26:01Z".
std::string utc_text(std::int64_t milliseconds);
/// Milliseconds since 1970 of "2026-01-31" (its first moment in UTC) or "2026-01-31T12:00:00Z";
/// nullopt for anything else, a 30th of February among it.
std::optional<std::int64_t> parse_utc(std::string_view text);
/// Seconds of a clock that never goes back; only differences mean something.
double monotonic_seconds();
/// For people: "41.3s", "2m07s", "3h12m", "4d03h"; "unknown" when it is not a number or endless.
std::string short_duration(double seconds);

}  // namespace r1
