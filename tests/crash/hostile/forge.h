// SPDX-License-Identifier: Apache-2.0
// What a hostile author can do: xxh3 is no signature, so every hash of a checkpoint can be made to
// match again.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"

namespace r1::crash {

/// Writes a manifest that is right for the bytes that the files have now: it names the tensors of
/// `before` that still lie inside their files.
void forge(const std::filesystem::path& checkpoint, Manifest before);

/// Writes a manifest in which the last tensor of the first file has so many bytes, and makes the
/// file as large: all hole. No hash in it is right.
void inflate(const std::filesystem::path& checkpoint, Manifest before, std::uint64_t bytes);

/// A manifest's JSON without its last line, and a text with the line that makes it a manifest.
std::string without_hash(const std::string& manifest);
std::string with_hash(const std::string& body);

/// The bytes that the manifest names for a tensor, read with no help of the code under test.
std::string named_bytes(const std::filesystem::path& checkpoint, const TensorEntry& entry);

/// The manifest's JSON with one value at a time replaced by each of those that hurt: numbers out of
/// range, shapes of 2^62 elements, paths out of the folder, other types, nothing, too much. Of each
/// list, the values of its first `most` elements.
std::vector<std::string> hostile_bodies(const std::string& body, std::size_t most);

}  // namespace r1::crash
