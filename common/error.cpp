// SPDX-License-Identifier: Apache-2.0
#include "common/error.h"

#include <cerrno>
#include <system_error>

namespace r1 {

void throw_library_error(std::string_view library, std::string_view call, std::string_view detail,
                         std::source_location at) {
    std::string message{library};
    message.append(": ").append(call).append(" failed");
    if (!detail.empty()) message.append(": ").append(detail);
    message.append(" (").append(at.file_name()).append(":").append(std::to_string(at.line()));
    throw Error(ExitCode::kLibrary, message + ")");
}

void throw_system_error(std::string_view action, std::string_view object, ExitCode code) {
    const std::string reason = std::generic_category().message(errno);
    std::string message{"cannot "};
    message.append(action).append(" '").append(object).append("': ").append(reason);
    throw Error(code, message);
}

}  // namespace r1
