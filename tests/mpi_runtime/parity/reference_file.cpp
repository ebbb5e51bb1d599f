// SPDX-License-Identifier: Apache-2.0
#include "tests/mpi_runtime/parity/reference_file.h"

#include <fstream>
#include <stdexcept>

namespace r1::test {

nlohmann::json load_reference(const std::string& name) {
    const std::string path = std::string(R1_FIXTURES) + "/reference-" + name + ".json";
    std::ifstream file(path);
    if (!file) throw std::runtime_error("cannot open " + path);
    return nlohmann::json::parse(file);
}

ModelShape reference_shape(const nlohmann::json& model) {
    const nlohmann::json& config = model.at("config");
    ModelSection section;
    section.hidden_size = config.at("hidden_size");
    section.intermediate_size = config.at("intermediate_size");
    section.num_hidden_layers = config.at("num_hidden_layers");
    section.num_attention_heads = config.at("num_attention_heads");
    section.num_key_value_heads = config.at("num_key_value_heads");
    section.max_position_embeddings = config.at("max_position_embeddings");
    section.rms_norm_eps = config.at("rms_norm_eps");
    section.rope_theta = config.at("rope_theta");
    section.attention_bias = config.at("attention_bias");
    section.tie_word_embeddings = config.at("tie_word_embeddings");
    return make_model_shape(section, config.at("vocab_size"));
}

std::vector<double> reference_parameters(const nlohmann::json& model,
                                         const ParameterLayout& layout) {
    const nlohmann::json& tensors = model.at("parameters");
    const double unit = model.at("parameter_unit");
    EXPECT_EQ(tensors.size(), layout.views().size());
    std::vector<double> flat(layout.size());
    for (const ParameterView& view : layout.views()) {
        const nlohmann::json& tensor = tensors.at(view.name);
        EXPECT_EQ(tensor.at("shape").get<std::vector<std::int64_t>>(), view.shape) << view.name;
        const std::vector<double> units = numbers(tensor.at("units"));
        for (std::size_t i = 0; i < view.count; ++i) flat[view.offset + i] = units.at(i) * unit;
    }
    return flat;
}

PackedBatch reference_batch(const nlohmann::json& model) {
    PackedBatch batch;
    for (const nlohmann::json& sequence : model.at("sequences"))
        batch.append(sequence.at("prompt").get<std::vector<std::int32_t>>(),
                     sequence.at("completion").get<std::vector<std::int32_t>>());
    return batch;
}

std::vector<double> completion_lengths(const nlohmann::json& model) {
    std::vector<double> lengths;
    for (const nlohmann::json& sequence : model.at("sequences"))
        lengths.push_back(static_cast<double>(sequence.at("completion").size()));
    return lengths;
}

}  // namespace r1::test
