// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/rollout_batch.h"

#include <algorithm>
#include <cstring>
#include <tuple>
#include <type_traits>

#include "common/error.h"

namespace r1 {

namespace {

class ByteWriter {
  public:
    template <class V>
    void value(const V& v) {
        static_assert(std::is_trivially_copyable_v<V>);
        bytes_.append(reinterpret_cast<const char*>(&v), sizeof v);
    }
    template <class V>
    void values(const std::vector<V>& v) {
        value(static_cast<std::uint64_t>(v.size()));
        bytes_.append(reinterpret_cast<const char*>(v.data()), v.size() * sizeof(V));
    }
    std::string take() { return std::move(bytes_); }

  private:
    std::string bytes_;
};

class ByteReader {
  public:
    explicit ByteReader(std::string_view bytes) : rest_(bytes) {}
    bool empty() const { return rest_.empty(); }
    template <class V>
    void value(V& v) {
        std::memcpy(&v, take(sizeof v), sizeof v);
    }
    /// A bool holds 0 or 1 only, whatever the bytes say.
    void value(bool& v) {
        std::uint8_t byte = 0;
        value(byte);
        v = byte != 0;
    }
    template <class V>
    void values(std::vector<V>& v) {
        std::uint64_t count = 0;
        value(count);
        if (count > rest_.size() / sizeof(V)) refuse();
        v.resize(count);
        if (count > 0) std::memcpy(v.data(), take(count * sizeof(V)), count * sizeof(V));
    }

  private:
    [[noreturn]] static void refuse() {
        throw Error(ExitCode::kCheckpoint, "the rollout's bytes end in the middle of a sample");
    }
    const char* take(std::size_t count) {
        if (count > rest_.size()) refuse();
        const char* at = rest_.data();
        rest_.remove_prefix(count);
        return at;
    }
    std::string_view rest_;
};

/// One list of fields serves writing and reading.
template <class Visitor, class S>
void visit_fields(Visitor& visitor, S& sample) {
    visitor.value(sample.prompt_index);
    visitor.value(sample.sample);
    visitor.value(sample.ended);
    visitor.value(sample.verifier_error);
    visitor.value(sample.accuracy);
    visitor.value(sample.format);
    visitor.value(sample.reward);
    visitor.value(sample.advantage);
    visitor.values(sample.prompt);
    visitor.values(sample.tokens);
    visitor.values(sample.logprobs);
    visitor.values(sample.reference_logprobs);
}

}  // namespace

std::string pack_samples(const std::vector<Sample>& samples) {
    ByteWriter writer;
    for (const Sample& sample : samples) visit_fields(writer, sample);
    return writer.take();
}

std::vector<Sample> unpack_samples(std::string_view bytes) {
    std::vector<Sample> samples;
    ByteReader reader(bytes);
    while (!reader.empty()) visit_fields(reader, samples.emplace_back());
    return samples;
}

std::vector<Sample> gather_samples(Communicator& comm, const std::vector<Sample>& own) {
    std::vector<Sample> all;
    for (const std::string& bytes : comm.all_gather(pack_samples(own))) {
        std::vector<Sample> part = unpack_samples(bytes);
        std::move(part.begin(), part.end(), std::back_inserter(all));
    }
    std::sort(all.begin(), all.end(), [](const Sample& a, const Sample& b) {
        return std::tie(a.prompt_index, a.sample) < std::tie(b.prompt_index, b.sample);
    });
    return all;
}

}  // namespace r1
