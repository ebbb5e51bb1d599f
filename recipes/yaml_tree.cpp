// SPDX-License-Identifier: Apache-2.0
#include "recipes/yaml_tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <optional>
#include <sstream>
#include <utility>

#include "recipes/schema.h"
#include "recipes/yaml_syntax.h"

namespace r1 {

namespace {

constexpr std::size_t kMostDepth = 16;
constexpr std::size_t kMostNodes = 6000;

/// Ends the parse: the rest of the text would not be worth reading.
struct Stop {
    Place place;
    std::string message;
};

class TreeBuilder final : public YAML::EventHandler {
  public:
    TreeBuilder(const Source& source, std::size_t start, Problems& problems)
        : source_(source), start_(start), problems_(problems) {}

    YamlNode take_root() { return std::move(root_); }

    /// The bracket that is still open, or nullopt.
    std::optional<Place> open_bracket() const {
        for (auto frame = stack_.rbegin(); frame != stack_.rend(); ++frame) {
            const char first = first_of(frame->node.place);
            if (first == '{' || first == '[') return frame->node.place;
        }
        return std::nullopt;
    }

    Place place_of(const YAML::Mark& mark) const {
        const std::size_t offset = mark.is_null() ? 0 : static_cast<std::size_t>(mark.pos);
        return {&source_, std::min(start_ + offset, source_.text.size())};
    }

    void OnDocumentStart(const YAML::Mark& mark) override {
        if (++documents_ > 1)
            throw Stop{place_of(mark), "a second YAML document; a " + noun() + " is one document"};
    }
    void OnDocumentEnd() override {}

    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        YamlNode node = make(YamlNode::Kind::kNull, mark, anchor, "");
        // yaml-cpp marks an empty value by what follows it: point at the key or the dash instead.
        if (!stack_.empty() && stack_.back().key) node.place = stack_.back().key->place;
        if (!stack_.empty() && stack_.back().node.is_list() && node.place.offset > 0) {
            const std::size_t dash = source_.text.rfind('-', node.place.offset - 1);
            if (dash != std::string::npos) node.place.offset = dash;
        }
        emit(std::move(node));
    }
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
        problems_.add(place_of(mark), "an alias (*name); write the value out" + or_base());
        YamlNode node = make(YamlNode::Kind::kNull, mark, 0, "");
        node.refused = true;
        emit(std::move(node));
    }
    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& value) override {
        YamlNode node = make(YamlNode::Kind::kScalar, mark, anchor, tag);
        node.text = value;
        node.plain = tag == "?";
        const char first = first_of(node.place);
        if ((first == '"' || first == '\'') && !closes_on_its_line(node.place))
            throw Stop{node.place, "a quoted text is not closed on its line"};
        emit(std::move(node));
    }
    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        open(make(YamlNode::Kind::kList, mark, anchor, tag));
    }
    void OnSequenceEnd() override { close(); }
    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        open(make(YamlNode::Kind::kMap, mark, anchor, tag));
    }
    void OnMapEnd() override { close(); }

  private:
    struct Frame {
        YamlNode node;
        std::optional<YamlNode> key;         // of the entry whose value comes next
        std::map<std::string, Place> known;  // the keys so far
    };

    std::string noun() const { return std::string(source_.form->noun); }
    std::string or_base() const { return source_.form->has_base ? ", or use 'base:'" : ""; }

    YamlNode make(YamlNode::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor,
                  const std::string& tag) {
        const Place place = place_of(mark);
        if (++nodes_ > kMostNodes)
            throw Stop{place, "more than " + std::to_string(kMostNodes) + " values; a " + noun() +
                                  " needs far fewer"};
        const char first = first_of(place);
        if (anchor != 0) problems_.add(place, "an anchor (&name); write the value out" + or_base());
        // A quoted scalar without a tag also reports "!", hence the look at the text itself.
        else if (first == '!' || tag.size() > 1)
            problems_.add(place, "a tag (!name); a " + noun() + " has none");
        YamlNode node;
        node.kind = kind;
        node.place = place;
        return node;
    }

    char first_of(const Place& place) const {
        return place.offset < source_.text.size() ? source_.text[place.offset] : '\0';
    }

    void open(YamlNode node) {
        if (stack_.size() >= kMostDepth)
            throw Stop{node.place, "nested deeper than " + std::to_string(kMostDepth) + " levels"};
        stack_.push_back({std::move(node), std::nullopt, {}});
    }

    void close() {
        YamlNode node = std::move(stack_.back().node);
        stack_.pop_back();
        emit(std::move(node));
    }

    void emit(YamlNode node) {
        if (stack_.empty()) {
            root_ = std::move(node);
            return;
        }
        Frame& frame = stack_.back();
        if (frame.node.is_list()) {
            frame.node.items.push_back(std::move(node));
        } else if (!frame.key) {
            if (!node.is_scalar()) problems_.add(node.place, "a key must be a name");
            frame.key = std::move(node);
        } else {
            add_entry(frame, std::move(node));
        }
    }

    void add_entry(Frame& frame, YamlNode value) {
        const YamlNode key = std::move(*frame.key);
        frame.key.reset();
        const auto [before, is_new] = frame.known.emplace(key.text, key.place);
        if (is_new)
            frame.node.entries.push_back({key.text, key.place, std::move(value)});
        else
            problems_.add(key.place, "duplicate key " + in_quotes(key.text) + ", already at " +
                                         to_string(before->second));
    }

    const Source& source_;
    std::size_t start_;
    Problems& problems_;
    std::vector<Frame> stack_;
    YamlNode root_;
    std::size_t nodes_ = 0;
    int documents_ = 0;
};

}  // namespace

YamlEntry* YamlNode::find(std::string_view key) {
    for (YamlEntry& entry : entries)
        if (entry.key == key) return &entry;
    return nullptr;
}

const YamlEntry* YamlNode::find(std::string_view key) const {
    return const_cast<YamlNode*>(this)->find(key);
}

std::string kind_text(const YamlNode& node) {
    switch (node.kind) {
        case YamlNode::Kind::kNull:
            return "nothing";
        case YamlNode::Kind::kScalar:
            return node.plain ? in_quotes(node.text) : "a quoted text";
        case YamlNode::Kind::kList:
            return "a list";
        case YamlNode::Kind::kMap:
            return "a map";
    }
    return {};
}

std::optional<YamlNode> parse_yaml(const Source& source, Problems& problems, std::size_t start) {
    TreeBuilder builder(source, start, problems);
    std::istringstream stream(source.text.substr(start));
    try {
        YAML::Parser parser(stream);
        while (parser.HandleNextDocument(builder)) {
        }
        return builder.take_root();
    } catch (const Stop& stop) {
        problems.add(stop.place, stop.message);
    } catch (const YAML::Exception& exception) {
        const bool unclosed = exception.msg.find("flow not found") != std::string::npos;
        const Place gave_up = builder.place_of(exception.mark);
        const SyntaxProblem problem = explain_syntax(
            unclosed ? builder.open_bracket().value_or(gave_up) : gave_up, exception.msg);
        problems.add(problem.place, problem.message);
    }
    return std::nullopt;
}

}  // namespace r1
