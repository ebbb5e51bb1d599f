// SPDX-License-Identifier: Apache-2.0
#include "common/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

namespace r1 {

void start_log(std::string_view who, bool verbose) {
    auto logger = spdlog::stderr_color_mt("r1ctl");
    std::string prefix;
    for (const char c : who) prefix += c == '%' ? "%%" : std::string(1, c);
    if (!who.empty()) prefix += ": ";
    logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e %^%l%$ " + prefix + "%v");
    logger->set_level(verbose ? spdlog::level::debug : spdlog::level::info);
    logger->flush_on(spdlog::level::info);
    spdlog::set_default_logger(std::move(logger));
}

void log_debug(const std::string& text) {
    spdlog::debug("{}", text);
}
void log_info(const std::string& text) {
    spdlog::info("{}", text);
}
void log_warning(const std::string& text) {
    spdlog::warn("{}", text);
}
void log_error(const std::string& text) {
    spdlog::error("{}", text);
}

}  // namespace r1
