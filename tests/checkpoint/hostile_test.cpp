// SPDX-License-Identifier: Apache-2.0
// Manifests that are made to hurt, with a right hash: each is refused soon and in bounded memory.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include "checkpoint/manifest.h"
#include "tests/checkpoint/damage.h"

namespace r1 {
namespace {

constexpr std::size_t kSize = std::size_t{200} << 20;
#ifdef __SANITIZE_ADDRESS__
constexpr int kSlack = 6;
#else
constexpr int kSlack = 1;
#endif

std::string repeated(std::string_view unit, std::size_t bytes) {
    std::string text;
    text.reserve(bytes + unit.size());
    while (text.size() < bytes) text += unit;
    return text;
}

struct Outcome {
    bool refused = false;
    double cpu_seconds = 0;
    std::int64_t most_mib = 0;
};

// Reads the manifest of a checkpoint in a process of its own.
Outcome read_alone(const std::filesystem::path& checkpoint) {
    const pid_t pid = ::fork();
    if (pid == 0) {
        int result = 1;
        try {
            read_manifest(checkpoint);
        } catch (const Error& e) {
            result =
                e.code() == ExitCode::kCheckpoint && std::string(e.what()).size() < 2000 ? 0 : 2;
        }
        ::_exit(result);
    }
    int status = 0;
    struct rusage usage {};
    ::wait4(pid, &status, 0, &usage);
    const auto seconds = [](const timeval& t) {
        return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
    };
    return {WIFEXITED(status) && WEXITSTATUS(status) == 0,
            seconds(usage.ru_utime) + seconds(usage.ru_stime), usage.ru_maxrss / 1024};
}

void expect_refused(const std::string& body, const char* what) {
    const TemporaryFolder folder;
    write_bytes(folder / kManifestName, body + std::string(kHashLine) + hash_hex(body) + "\n");
    const Outcome outcome = read_alone(folder.path());
    EXPECT_TRUE(outcome.refused) << what;
    EXPECT_LT(outcome.cpu_seconds, 2 * kSlack) << what;
    EXPECT_LT(outcome.most_mib, 1000 * kSlack) << what;
}

TEST(HostileManifest, HugeTextsAreRefusedSoonAndInBoundedMemory) {
    expect_refused(std::string(kSize, '['), "brackets");
    expect_refused(repeated("{\"a\":", kSize / 4), "objects in objects");
    expect_refused("[" + repeated("[],", kSize) + "1]", "empty lists");
    expect_refused("{\"a\":\"" + std::string(kSize / 4, 'x'), "a text without an end");
    expect_refused("{\"a\":\"" + std::string(kSize / 4, 'x') + "\"}", "a long text");
    expect_refused("{\"a\":" + std::string(kSize / 4, '9') + "}", "a number without an end");
    expect_refused(std::string(kSize / 4, ' '), "blanks");
    expect_refused(std::string(kSize / 4, '\0'), "zero bytes");
}

TEST(HostileManifest, AsManyValuesAsAreReadAtAllAreRefusedSoonToo) {
    constexpr std::size_t kValues = std::size_t{4} << 20;
    std::string keys = "{";
    for (std::size_t i = 0; i < kValues / 4; ++i) keys += "\"" + std::to_string(i) + "\":1,";
    expect_refused(keys + "\"x\":1}", "keys");
    expect_refused("{\"tensors\":[" + repeated("[],", 3 * kValues / 2) + "[]]}", "lists");
}

TEST(HostileManifest, AbsurdNumbersAllocateNothing) {
    const std::string head =
        R"({"format_major":2,"format_minor":0,"run_id":"r","step":1,"written_at":"x","keep":false,)"
        R"("state":"","metrics":{},"block_bytes":4096,"files":[{"name":"x.h5",)"
        R"("bytes":9223372036854775807,"rest_xxh3_128":"00000000000000000000000000000000"}],)";
    const std::string tensor = R"("tensors":[{"name":"t","type":"uint8",)";
    const std::string piece = R"("pieces":[{"file":"x.h5","offset":0,"begin":0,)";
    expect_refused(head + tensor + R"("shape":[9223372036854775807],)" + piece +
                       R"("bytes":9223372036854775807,"blocks":""}]}]})",
                   "a tensor of 2^63-1 bytes");
    expect_refused(head + tensor + R"("shape":[4294967296,4294967296],"pieces":[]}]})",
                   "a shape that overflows");
    expect_refused(head + R"("tensors":[]})", "a file of 2^63-1 bytes that is not there");
}

}  // namespace
}  // namespace r1
