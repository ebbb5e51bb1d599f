// SPDX-License-Identifier: Apache-2.0
// One row of the schema: everything that is known of one key. Rows are made with row<&S::field>().
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "recipes/choices.h"
#include "recipes/value.h"

namespace r1 {

/// What a number may be. A bound that is not included is `open`.
struct Range {
    double low = -std::numeric_limits<double>::infinity();
    double high = std::numeric_limits<double>::infinity();
    bool low_open = false;
    bool high_open = false;
};

/// What a key is when the recipe does not say.
struct Fallback {
    enum class Kind { kText, kRequired, kAbsent };
    Kind kind = Kind::kText;
    std::string_view text;
    constexpr Fallback(const char* value) : text(value) {}  // NOLINT: a row reads as a table
    constexpr explicit Fallback(Kind value) : kind(value) {}
};
inline constexpr Fallback kRequired{Fallback::Kind::kRequired};
inline constexpr Fallback kAbsent{Fallback::Kind::kAbsent};

/// The kinds of stages to which a key applies, as a set of bits.
using StageKinds = unsigned;
constexpr StageKinds only(StageKind kind) {
    return 1u << static_cast<unsigned>(kind);
}
inline constexpr StageKinds kAnyStage = 7;

/// Checks the form of a text: what is wrong with it, or an empty text.
using TextCheck = std::string (*)(std::string_view);

struct Row {
    std::string_view key;
    ValueType type = ValueType::kText;
    std::string_view unit;
    Fallback fallback = kRequired;
    Range range;
    TextCheck check = nullptr;      ///< of a text, or of each of several
    TextCheck check_key = nullptr;  ///< of a map of texts
    std::span<const std::string_view> choices;
    StageKinds kinds = kAnyStage;
    std::string_view help;
    void (*set)(void* section, const Value& value) = nullptr;
    Value (*get)(const void* section) = nullptr;
};

namespace detail {

template <auto Member>
struct MemberOf;
template <class S, class F, F S::*Member>
struct MemberOf<Member> {
    using Section = S;
    using Field = F;
};

template <class Field>
inline constexpr bool is_optional = std::is_same_v<Field, std::optional<HourlyPrice>> ||
                                    std::is_same_v<Field, std::optional<Amount>>;

template <class Field>
constexpr ValueType value_type() {
    if constexpr (std::is_enum_v<Field>) return ValueType::kChoice;
    if constexpr (std::is_same_v<Field, bool>) return ValueType::kFlag;
    if constexpr (std::is_same_v<Field, double>) return ValueType::kReal;
    if constexpr (std::is_same_v<Field, std::string>) return ValueType::kText;
    if constexpr (std::is_same_v<Field, Texts>) return ValueType::kTexts;
    if constexpr (std::is_same_v<Field, TextMap>) return ValueType::kTextMap;
    if constexpr (std::is_same_v<Field, Duration>) return ValueType::kDuration;
    if constexpr (std::is_same_v<Field, Bytes>) return ValueType::kSize;
    if constexpr (std::is_same_v<Field, std::optional<HourlyPrice>>) return ValueType::kPrice;
    if constexpr (std::is_same_v<Field, std::optional<Amount>>) return ValueType::kAmount;
    return ValueType::kWhole;
}

template <auto Member>
void set_field(void* section, const Value& value) {
    using Field = typename MemberOf<Member>::Field;
    Field& field = static_cast<typename MemberOf<Member>::Section*>(section)->*Member;
    if constexpr (std::is_enum_v<Field> || std::is_same_v<Field, std::uint64_t>)
        field = static_cast<Field>(std::get<std::int64_t>(value));
    else if constexpr (is_optional<Field>)
        field = std::get<typename Field::value_type>(value);
    else
        field = std::get<Field>(value);
}

template <auto Member>
Value get_field(const void* section) {
    using Field = typename MemberOf<Member>::Field;
    const Field& field = static_cast<const typename MemberOf<Member>::Section*>(section)->*Member;
    if constexpr (std::is_enum_v<Field> || std::is_same_v<Field, std::uint64_t>)
        return static_cast<std::int64_t>(field);
    else if constexpr (is_optional<Field>)
        return field ? Value(*field) : Value();
    else
        return field;
}

}  // namespace detail

/// The row of one field: type, choices and access follow from the field itself.
template <auto Member>
Row row(std::string_view key, Fallback fallback, std::string_view unit, Range range,
        std::string_view help, StageKinds kinds = kAnyStage, TextCheck check = nullptr) {
    using Field = typename detail::MemberOf<Member>::Field;
    Row made;
    made.key = key;
    made.type = detail::value_type<Field>();
    made.unit = unit;
    made.fallback = fallback;
    made.range = range;
    made.check = check;
    if constexpr (std::is_enum_v<Field>) made.choices = choice_names<Field>();
    made.kinds = kinds;
    made.help = help;
    made.set = &detail::set_field<Member>;
    made.get = &detail::get_field<Member>;
    return made;
}

}  // namespace r1
