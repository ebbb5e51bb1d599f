// SPDX-License-Identifier: Apache-2.0
#include "recipes/scalar.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <stdexcept>
#include <utility>
#include <vector>

#include "recipes/source.h"

namespace r1 {

namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

ParsedValue wrong(std::string message) {
    return {{}, std::move(message)};
}

std::string needs(const Row& row, std::string_view text) {
    return std::string(row.key) + " needs " + type_text(row.type) + ", not " + in_quotes(text);
}

/// What makes a number mean different things to different readers, or an empty text.
std::string number_surprise(std::string_view text) {
    const std::string_view digits = text.substr(text.starts_with('-') || text.starts_with('+'));
    if (text.starts_with('+')) return "; write it without the '+'";
    if (digits.size() > 1 && digits[0] == '0' &&
        std::string_view("xXoObB").find(digits[1]) != std::string_view::npos)
        return "; write it in decimal";
    if (digits.size() > 1 && digits[0] == '0' && is_digit(digits[1]))
        return "; a leading 0 means octal to some readers: write it without";
    if (digits.find_first_of("_,") != std::string_view::npos)
        return "; write it without '_' and ','";
    return {};
}

bool could_be_number(std::string_view text) {
    return text.find_first_not_of("0123456789+-.eE") == std::string_view::npos;
}

/// Whether the number is inside the range, and else what it must be.
std::string check_range(const Row& row, double number, std::string_view text) {
    const Range& range = row.range;
    const bool low = range.low_open ? number > range.low : number >= range.low;
    const bool high = range.high_open ? number < range.high : number <= range.high;
    if (low && high) return {};
    return std::string(row.key) + " must be " + range_text(row) + ", not " + in_quotes(text);
}

ParsedValue parse_whole(const Row& row, std::string_view text) {
    if (const std::string surprise = number_surprise(text); !surprise.empty())
        return wrong(needs(row, text) + surprise);
    std::int64_t value = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, failed] = std::from_chars(text.data(), end, value);
    if (failed == std::errc::result_out_of_range && stop == end)
        return wrong(std::string(row.key) + " must be " + range_text(row) + ", not " +
                     in_quotes(text));
    if (failed != std::errc{} || stop != end) {
        double real = 0;
        const auto [real_stop, real_failed] = std::from_chars(text.data(), end, real);
        const bool whole = could_be_number(text) && real_failed == std::errc{} &&
                           real_stop == end && real == std::floor(real) && std::abs(real) < 1e15;
        const std::string hint =
            "; write " + std::to_string(static_cast<std::int64_t>(whole ? real : 0));
        return wrong(needs(row, text) + (whole ? hint : ""));
    }
    return {value, check_range(row, static_cast<double>(value), text)};
}

ParsedValue parse_real(const Row& row, std::string_view text) {
    if (const std::string surprise = number_surprise(text); !surprise.empty())
        return wrong(needs(row, text) + surprise);
    double value = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, failed] = std::from_chars(text.data(), end, value);
    // from_chars also reads "inf" and "nan", which no key wants.
    if (!could_be_number(text) || stop != end || failed == std::errc::invalid_argument)
        return wrong(needs(row, text));
    if (failed != std::errc{})
        return wrong(needs(row, text) + "; that is beyond what a double can hold");
    return {value, check_range(row, value, text)};
}

ParsedValue parse_flag(const Row& row, std::string_view text) {
    if (text == "true") return {true, {}};
    if (text == "false") return {false, {}};
    constexpr std::array<std::string_view, 7> kYes{"yes", "Yes", "YES", "on", "True", "TRUE", "1"};
    constexpr std::array<std::string_view, 7> kNo{"no", "No", "NO", "off", "False", "FALSE", "0"};
    std::string hint;
    if (std::find(kYes.begin(), kYes.end(), text) != kYes.end()) hint = "; write true";
    if (std::find(kNo.begin(), kNo.end(), text) != kNo.end()) hint = "; write false";
    return wrong(needs(row, text) + hint);
}

ParsedValue parse_choice(const Row& row, std::string_view text) {
    const auto found = std::find(row.choices.begin(), row.choices.end(), text);
    if (found != row.choices.end())
        return {static_cast<std::int64_t>(found - row.choices.begin()), {}};
    const std::vector<std::string> names(row.choices.begin(), row.choices.end());
    std::string message = std::string(row.key) + " cannot be " + in_quotes(text);
    const std::string meant = did_you_mean(text, names);
    return wrong(message + (meant.empty() ? "; it is " + range_text(row) : meant));
}

ParsedValue parse_text(const Row& row, std::string_view text) {
    std::string complaint = text_complaint(row, text);
    if (!complaint.empty()) return wrong(std::move(complaint));
    return {std::string(text), {}};
}

/// What a row is when the file does not say is written as a text: several texts are none.
ParsedValue parse_several(const Row& row, std::string_view text) {
    if (!text.empty()) return wrong(needs(row, text));
    return row.type == ValueType::kTexts ? ParsedValue{Texts(), {}} : ParsedValue{TextMap(), {}};
}

/// The readers of common/ throw the message for the user.
template <class Reader>
ParsedValue parse_with(const Row& row, std::string_view text, Reader reader) {
    try {
        return {reader(text), {}};
    } catch (const std::invalid_argument& complaint) {
        return wrong(std::string(row.key) + ": " + escaped(complaint.what()));
    }
}

bool is_text(ValueType type) {
    return type == ValueType::kText || type == ValueType::kTexts || type == ValueType::kTextMap;
}

bool is_quoted_form(ValueType type) {
    return type == ValueType::kWhole || type == ValueType::kReal || type == ValueType::kFlag;
}

std::string bound_text(const Row& row, double bound) {
    if (row.type == ValueType::kSize) return to_string(Bytes{static_cast<std::int64_t>(bound)});
    if (row.type == ValueType::kWhole)
        return std::to_string(bound >= 0x1p63 ? INT64_MAX : static_cast<std::int64_t>(bound));
    return shortest(bound);
}

std::string in_double_quotes(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out + "\"";
}

std::string quoted_for_yaml(std::string_view text) {
    const auto safe = [](char c) {
        return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
               c == '/' || c == '_' || c == '-' || c == ':';
    };
    const bool plain = !text.empty() && std::all_of(text.begin(), text.end(), safe) &&
                       text.front() != '-' && text.front() != ':' && text.back() != ':' &&
                       text != "null" && text != "Null" && text != "NULL" && text != "...";
    return plain ? std::string(text) : in_double_quotes(text);
}

// Inside brackets more characters mean something: everything is quoted there.
std::string list_for_yaml(const Texts& texts) {
    std::string out;
    for (const std::string& text : texts) out += (out.empty() ? "" : ", ") + in_double_quotes(text);
    return "[" + out + "]";
}

std::string map_for_yaml(const TextMap& texts) {
    std::string out;
    for (const auto& [key, text] : texts)
        out += (out.empty() ? "" : ", ") + in_double_quotes(key) + ": " + in_double_quotes(text);
    return "{" + out + "}";
}

}  // namespace

std::string text_complaint(const Row& row, std::string_view text) {
    for (const char c : text)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F)
            return std::string(row.key) + " holds a control character: " + in_quotes(text);
    const std::string complaint = row.check == nullptr ? "" : row.check(text);
    return complaint.empty() ? "" : std::string(row.key) + " " + in_quotes(text) + " " + complaint;
}

ParsedValue parse_value(const Row& row, std::string_view text, bool plain) {
    if (!is_text(row.type) && text.size() > 64) return wrong(needs(row, text));
    if (!plain && is_quoted_form(row.type))
        return wrong(std::string(row.key) + " needs " + type_text(row.type) +
                     ", not a quoted text; remove the quotes");
    switch (row.type) {
        case ValueType::kWhole:
            return parse_whole(row, text);
        case ValueType::kReal:
            return parse_real(row, text);
        case ValueType::kFlag:
            return parse_flag(row, text);
        case ValueType::kText:
            return parse_text(row, text);
        case ValueType::kChoice:
            return parse_choice(row, text);
        case ValueType::kDuration:
            return parse_with(row, text, parse_duration);
        case ValueType::kPrice:
            return parse_with(row, text, parse_hourly_price);
        case ValueType::kAmount:
            return parse_with(row, text, parse_amount);
        case ValueType::kTexts:
        case ValueType::kTextMap:
            return parse_several(row, text);
        case ValueType::kSize:
            break;
    }
    ParsedValue size = parse_with(row, text, parse_bytes);
    if (size.wrong.empty())
        size.wrong = check_range(row, static_cast<double>(std::get<Bytes>(size.value).count), text);
    return size;
}

std::string value_text(const Row& row, const Value& value) {
    switch (row.type) {
        case ValueType::kWhole:
            return std::to_string(std::get<std::int64_t>(value));
        case ValueType::kReal:
            return shortest(std::get<double>(value));
        case ValueType::kFlag:
            return std::get<bool>(value) ? "true" : "false";
        case ValueType::kText:
            return quoted_for_yaml(std::get<std::string>(value));
        case ValueType::kChoice:
            return std::string(
                row.choices[static_cast<std::size_t>(std::get<std::int64_t>(value))]);
        case ValueType::kDuration:
            return to_string(std::get<Duration>(value));
        case ValueType::kSize:
            return to_string(std::get<Bytes>(value));
        case ValueType::kPrice:
            return to_string(std::get<HourlyPrice>(value));
        case ValueType::kAmount:
            return to_string(std::get<Amount>(value));
        case ValueType::kTexts:
            return list_for_yaml(std::get<Texts>(value));
        case ValueType::kTextMap:
            return map_for_yaml(std::get<TextMap>(value));
    }
    return {};
}

std::string type_text(ValueType type) {
    switch (type) {
        case ValueType::kWhole:
            return "a whole number";
        case ValueType::kReal:
            return "a number";
        case ValueType::kFlag:
            return "true or false";
        case ValueType::kText:
            return "a text";
        case ValueType::kChoice:
            return "a name";
        case ValueType::kDuration:
            return "a duration such as 90m";
        case ValueType::kSize:
            return "a size such as 64GiB";
        case ValueType::kPrice:
            return "a price such as 2.00";
        case ValueType::kAmount:
            return "an amount such as 500.00";
        case ValueType::kTexts:
            return "a list of texts such as [a, b]";
        case ValueType::kTextMap:
            return "a map of texts such as {A: b}";
    }
    return {};
}

std::string range_text(const Row& row) {
    if (row.type == ValueType::kChoice) {
        std::string text;
        for (std::size_t i = 0; i < row.choices.size(); ++i) {
            if (i > 0) text += i + 1 == row.choices.size() ? " or " : ", ";
            text += row.choices[i];
        }
        return text;
    }
    const bool has_low = std::isfinite(row.range.low);
    const bool has_high = std::isfinite(row.range.high);
    const std::string low = has_low ? bound_text(row, row.range.low) : "";
    const std::string high = has_high ? bound_text(row, row.range.high) : "";
    if (has_low && has_high && !row.range.low_open && !row.range.high_open)
        return "from " + low + " to " + high;
    std::string text;
    if (has_low) text = (row.range.low_open ? "more than " : "at least ") + low;
    if (has_low && has_high) text += " and ";
    if (has_high) text += (row.range.high_open ? "less than " : "at most ") + high;
    return text;
}

std::string shortest(double value) {
    std::array<char, 32> digits{};
    const auto [end, failed] = std::to_chars(digits.data(), digits.data() + digits.size(), value);
    if (failed != std::errc{}) return {};
    std::string text(digits.data(), end);
    // to_chars pads the exponent as printf does: 1e-06, 1e+12.
    const std::size_t exponent = text.find('e');
    if (exponent == std::string::npos) return text;
    if (text[exponent + 2] == '0') text.erase(exponent + 2, 1);
    if (text[exponent + 1] == '+') text.erase(exponent + 1, 1);
    return text;
}

}  // namespace r1
