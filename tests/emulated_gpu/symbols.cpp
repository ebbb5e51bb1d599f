// SPDX-License-Identifier: Apache-2.0
#include "tests/emulated_gpu/symbols.h"

#include <cxxabi.h>
#include <elf.h>
#include <link.h>

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <string_view>

namespace r1::emulated {

namespace {

// A function's variable in namespace r1::cuda. Guards of such variables begin with _ZGVZ.
constexpr std::string_view kVariableOfKernel = "_ZZN2r14cuda";

/// Offsets from where the program is loaded, and from its thread-local block.
struct Symbols {
    std::map<std::uintptr_t, std::string> functions;
    std::map<std::uintptr_t, std::size_t> shared;
};

template <class T>
const T* at(const std::vector<char>& file, std::uint64_t offset) {
    return reinterpret_cast<const T*>(file.data() + offset);
}

void add(Symbols& symbols, const ElfW(Sym) & symbol, const char* name) {
    const auto type = symbol.st_info & 0xF;
    if (symbol.st_shndx == SHN_UNDEF) return;
    if (type == STT_FUNC) symbols.functions.emplace(symbol.st_value, name);
    if (type == STT_TLS && std::string_view(name).starts_with(kVariableOfKernel))
        symbols.shared.emplace(symbol.st_value, symbol.st_size);
}

Symbols read_symbols() {
    std::ifstream stream("/proc/self/exe", std::ios::binary);
    const std::vector<char> file{std::istreambuf_iterator<char>(stream), {}};
    Symbols symbols;
    if (file.size() < sizeof(ElfW(Ehdr))) return symbols;
    const auto* header = at<ElfW(Ehdr)>(file, 0);
    const auto* sections = at<ElfW(Shdr)>(file, header->e_shoff);
    for (int i = 0; i < header->e_shnum; ++i) {
        if (sections[i].sh_type != SHT_SYMTAB) continue;
        const std::uint64_t names = sections[sections[i].sh_link].sh_offset;
        const auto* entries = at<ElfW(Sym)>(file, sections[i].sh_offset);
        for (std::uint64_t k = 0; k < sections[i].sh_size / sizeof(ElfW(Sym)); ++k)
            add(symbols, entries[k], at<char>(file, names + entries[k].st_name));
    }
    return symbols;
}

const Symbols& symbols() {
    static const Symbols read = read_symbols();
    return read;
}

struct Program {
    std::uintptr_t loaded_at = 0;
    unsigned char* thread_local_block = nullptr;
};

/// The first object that the loader names is the program itself.
Program program() {
    Program found;
    dl_iterate_phdr(
        [](dl_phdr_info* object, std::size_t, void* result) {
            *static_cast<Program*>(result) = {object->dlpi_addr,
                                              static_cast<unsigned char*>(object->dlpi_tls_data)};
            return 1;
        },
        &found);
    return found;
}

}  // namespace

const std::string& name_of(const void* function) {
    static const std::string unknown = "a kernel without a name";
    const auto& functions = symbols().functions;
    const auto found =
        functions.find(reinterpret_cast<std::uintptr_t>(function) - program().loaded_at);
    return found == functions.end() ? unknown : found->second;
}

std::string readable_name_of(const void* function) {
    const std::string& name = name_of(function);
    int status = 0;
    const std::unique_ptr<char, decltype(&std::free)> readable(
        abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status), &std::free);
    return readable ? readable.get() : name;
}

std::vector<Bytes> static_shared_memory() {
    std::vector<Bytes> variables;
    unsigned char* block = program().thread_local_block;
    if (block == nullptr) return variables;
    for (const auto& [offset, bytes] : symbols().shared)
        variables.push_back({block + offset, bytes});
    return variables;
}

}  // namespace r1::emulated
