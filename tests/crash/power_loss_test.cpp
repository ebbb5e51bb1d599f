// SPDX-License-Identifier: Apache-2.0
// C2: the power is lost at every moment of the life of a folder of checkpoints, with every kind of
// fate for what was not synced (tools/disk_model.h says what can happen). What a load finds is then
// exactly a checkpoint that was saved, and none is lost whose save had returned.
#include <gtest/gtest.h>

#include <functional>
#include <random>
#include <unordered_set>

#include "checkpoint/hash.h"
#include "common/error.h"
#include "tests/crash/tools/child.h"
#include "tests/crash/tools/disk_model.h"
#include "tests/crash/tools/figure.h"
#include "tests/crash/tools/numbered.h"
#include "tests/crash/tools/programs.h"

namespace r1::crash {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kNext = 99;  // step and number of the save after the power is back
const char* const kSaved = "saved ";

// Everything that happens to a folder of checkpoints, from before it exists.
void live(const fs::path& checkpoints) {
    const auto save = [&](std::int64_t step, std::int64_t number) {
        save_number(checkpoints, step, number);
        r1_shim_mark((kSaved + std::to_string(number)).c_str());
    };
    save(1, 1);
    save(2, 2);
    save(2, 3);
    save(3, 4);
    retain(checkpoints, 2);
    save(4, 5);
    retain(checkpoints, 1);
}

/// A life that was recorded.
class Life {
  public:
    explicit Life(std::uint32_t refuse = 0) : before_(make_root()) {
        const fs::path log = folder_.path() / "log";
        shim::Plan plan = plan_for(root_, log);
        plan.refuse = refuse;
        r1_shim_arm(&plan);
        live(root_ / "checkpoints");
        r1_shim_disarm();
        records_ = shim::read_log(log);
    }
    const fs::path& root() const { return root_; }
    /// Of that life, or of one that left some operations out.
    DiskModel model(const std::function<bool(const shim::Record&)>& left_out = {}) const {
        std::vector<shim::Record> kept;
        for (const shim::Record& record : records_)
            if (!left_out || !left_out(record)) kept.push_back(record);
        DiskModel made = before_;
        made.replay(std::move(kept));
        return made;
    }

  private:
    DiskModel make_root() const {
        fs::create_directory(root_);
        return DiskModel(root_);
    }
    MemoryFolder folder_;
    fs::path root_ = folder_.path() / "run";
    DiskModel before_;
    std::vector<shim::Record> records_;
};

Fates all(std::size_t count, std::uint8_t fate, bool garbage = false) {
    return {std::vector<std::uint8_t>(count, fate), garbage};
}

/// Goes through the states of one life and looks into each that was not met before.
class PowerLoss {
  public:
    /// `saved`: the number of the newest when the life begins.
    explicit PowerLoss(const DiskModel& model, std::int64_t saved = 0)
        : model_(model), saved_(saved) {}

    std::uint64_t states = 0;  ///< that differ
    std::uint64_t lost = 0;    ///< a save had returned, and an older one or none was found
    std::uint64_t wrong = 0;   ///< verified, and not what was saved; or newer than what was
    std::string first;         ///< what was wrong first
    bool until_first_loss = false;

    /// Everything lost, nothing lost, and each effect lost alone and kept alone; after `from`
    /// records and later.
    void systematic(std::size_t from = 0) {
        for (std::size_t prefix = from; prefix <= model_.records().size(); ++prefix) {
            const std::size_t count = model_.undecided(prefix).size();
            look(prefix, all(count, kLost));
            look(prefix, all(count, kKept));
            for (std::size_t i = 0; i < count; ++i) {
                Fates but_one = all(count, kKept);
                but_one.of[i] = kLost;
                look(prefix, but_one);
                but_one.garbage = true;
                look(prefix, but_one);
                Fates only_one = all(count, kLost);
                only_one.of[i] = kKept;
                look(prefix, only_one);
            }
            lose_operations(prefix);
        }
    }
    /// At each moment one fate by chance for every effect, half of the pages torn.
    void random(std::mt19937& random) {
        for (std::size_t prefix = 0; prefix <= model_.records().size(); ++prefix) {
            const std::vector<DiskModel::Undecided> undecided = model_.undecided(prefix);
            if (undecided.empty()) continue;
            const auto kept_of_four = 1 + random() % 3;
            const bool torn = random() % 2 == 0;
            Fates fates = all(undecided.size(), kLost, random() % 2 == 0);
            for (std::size_t i = 0; i < undecided.size(); ++i) {
                if (random() % 4 < kept_of_four) fates.of[i] = kKept;
                if (torn && undecided[i].is_data && random() % 2 == 0)
                    fates.of[i] = static_cast<std::uint8_t>(random());
            }
            look(prefix, fates);
        }
    }

  private:
    // All effects of one operation, as a whole write.
    void lose_operations(std::size_t prefix) {
        const std::vector<DiskModel::Undecided> undecided = model_.undecided(prefix);
        for (std::size_t i = 0; i < undecided.size();) {
            Fates fates = all(undecided.size(), kKept);
            const std::size_t record = undecided[i].record;
            for (; i < undecided.size() && undecided[i].record == record; ++i) fates.of[i] = kLost;
            look(prefix, fates);
        }
    }

    std::int64_t saved_before(std::size_t prefix) const {
        std::int64_t number = saved_;
        for (std::size_t i = 0; i < prefix; ++i) {
            const shim::Record& record = model_.records()[i];
            if (record.kind == shim::Kind::kMark)
                number = std::stoll(record.path.substr(std::string_view(kSaved).size()));
        }
        return number;
    }

    // Whether this was not met before with so many saves behind it. Only new trees are counted.
    bool is_new(std::int64_t saved, const Tree& tree) {
        Hasher hasher;
        const auto add = [&](const std::string& text) {
            const std::size_t size = text.size();
            hasher.update(&size, sizeof size);
            hasher.update(text.data(), size);
        };
        for (const std::string& folder : tree.folders) add(folder);
        for (const auto& [path, bytes] : tree.files) {
            add(path);
            add(bytes);
        }
        const std::string hash = hasher.hex();
        states += trees_.insert(hash).second ? 1 : 0;
        return looked_.insert(hash + std::to_string(saved)).second;
    }

    void look(std::size_t prefix, const Fates& fates) {
        if (until_first_loss && lost > 0) return;
        const std::int64_t saved = saved_before(prefix);
        const Tree tree = model_.after(prefix, fates);
        if (!is_new(saved, tree)) return;
        const fs::path root = folder_.path() / "run";
        fs::create_directory(root);
        write_tree(tree, root);
        check(root / "checkpoints", saved, "after " + std::to_string(prefix) + " records");
        if (looked_.size() % 50 == 0) go_on(root / "checkpoints");
        fs::remove_all(root);
    }

    void check(const fs::path& checkpoints, std::int64_t saved, const std::string& where) {
        try {
            const std::int64_t newest = newest_number(checkpoints);
            if (newest != saved && newest != saved + 1)
                count(newest > saved ? wrong : lost, where + " found " + std::to_string(newest) +
                                                         " and not " + std::to_string(saved));
            for (const std::int64_t step : list_checkpoints(checkpoints))
                expect_no_wrong_load(checkpoints / checkpoint_name(step));
        } catch (const std::runtime_error& e) {
            count(wrong, where + ": " + e.what());
        }
    }

    // One that is being removed may be damaged; it may not be taken for another.
    static void expect_no_wrong_load(const fs::path& checkpoint) {
        try {
            load_number(checkpoint);
        } catch (const Error&) {
            return;
        }
    }

    void go_on(const fs::path& checkpoints) {
        save_number(checkpoints, kNext, kNext);
        retain(checkpoints, 1);
        if (newest_number(checkpoints) != kNext) count(lost, "the next save");
        if (!leftovers(checkpoints).empty()) count(lost, "left: " + joined(leftovers(checkpoints)));
    }

    void count(std::uint64_t& counter, const std::string& what) {
        ++counter;
        if (first.empty()) first = what;
    }

    const DiskModel& model_;
    std::int64_t saved_;
    std::unordered_set<std::string> trees_;
    std::unordered_set<std::string> looked_;
    MemoryFolder folder_;
};

/// What was found in several lives.
struct Toll {
    std::uint64_t states = 0;
    std::uint64_t lost = 0;
    std::uint64_t wrong = 0;

    void add(const PowerLoss& loss) {
        states += loss.states;
        lost += loss.lost;
        wrong += loss.wrong;
    }
    std::string text() const {
        return grouped(states) + " different states, " + grouped(lost) + " lost commits, " +
               grouped(wrong) + " wrong loads";
    }
};

TEST(PowerLoss, AfterEveryOperationLosesNoCommitAndLoadsNothingWrong) {
    const std::uint64_t wanted = short_or_long<std::uint64_t>(12000, 100000);
    Toll toll;
    std::size_t operations = 0;
    const std::vector<std::uint32_t> file_systems = {
        0, shim::kNoExchange | shim::kNoHardLinks | shim::kNoDirect};
    for (const std::uint32_t refuse : file_systems) {
        const Life life(refuse);
        const DiskModel model = life.model();
        const std::size_t end = model.records().size();
        ASSERT_EQ(model.after(end, all(model.undecided(end).size(), kKept)), read_tree(life.root()))
            << "the shim or the model has missed an operation";
        PowerLoss loss(model);
        loss.systematic();
        std::mt19937 random(1);
        while (loss.states < wanted / file_systems.size()) loss.random(random);
        EXPECT_EQ(loss.first, "");
        toll.add(loss);
        operations += end;
    }
    EXPECT_EQ(toll.lost + toll.wrong, 0u);
    print_figure("C2", toll.text() + " after " + grouped(operations) + " operations");
}

/// A program in a folder of its own, recorded, whatever becomes of it.
class Trial {
  public:
    explicit Trial(const Program& program) : program_(program), before_(prepare()) {}

    shim::Plan plan() const {
        shim::Plan plan = plan_for(root_, log_);
        plan.refuse = program_.refuse;
        return plan;
    }
    void run() const { program_.run(checkpoints_); }
    const fs::path& checkpoints() const { return checkpoints_; }
    std::vector<shim::Record> records() const { return shim::read_log(log_); }
    /// Loses the power after `from` records and later.
    void lose_power(std::size_t from, const std::string& where, Toll& toll) const {
        DiskModel model = before_;
        model.replay(records());
        PowerLoss loss(model, program_.before);
        loss.systematic(from);
        EXPECT_EQ(loss.first, "") << program_.name << ", " << where;
        toll.add(loss);
    }

  private:
    DiskModel prepare() const {
        fs::create_directory(root_);
        program_.prepare(checkpoints_);
        return DiskModel(root_);
    }
    const Program& program_;
    MemoryFolder folder_;
    fs::path root_ = folder_.path() / "run";
    fs::path checkpoints_ = root_ / "checkpoints";
    fs::path log_ = folder_.path() / "log";
    DiskModel before_;
};

std::vector<shim::Record> records_of(const Program& program) {
    const Trial trial(program);
    const Ending ending = in_child(trial.plan(), [&] { trial.run(); });
    EXPECT_TRUE(ending.finished) << program.name << ": " << ending.error << ending.trouble;
    return trial.records();
}

TEST(PowerLoss, AfterAFailedSyncFindsTheOldOrTheNew) {
    Toll toll;
    std::uint64_t syncs = 0;
    for (const Program& program : programs()) {
        for (const shim::Record& record : records_of(program)) {
            if (record.kind != shim::Kind::kSync) continue;
            const Trial trial(program);
            shim::Plan plan = trial.plan();
            plan.fail_at = record.number;
            plan.fail_errno = EIO;
            const Ending ending = in_child(plan, [&] { trial.run(); });
            EXPECT_FALSE(ending.error.empty()) << program.name << ending.trouble;
            trial.lose_power(0, "failed " + describe(record), toll);
            ++syncs;
        }
    }
    print_figure("C2", toll.text() + " after " + grouped(syncs) + " failed fsyncs");
}

// What the next process clears away may be all that is on the disk.
TEST(PowerLoss, AfterAKillAndRetentionFindsTheOldOrTheNew) {
    Toll toll;
    std::uint64_t kills = 0;
    for (const Program& program : programs()) {
        for (const shim::Record& record : records_of(program)) {
            const Trial trial(program);
            shim::Plan plan = trial.plan();
            plan.kill_after = record.number;
            EXPECT_TRUE(in_child(plan, [&] { trial.run(); }).killed) << program.name;
            const std::size_t from = trial.records().size();
            const Ending ending = in_child(trial.plan(), [&] { retain(trial.checkpoints(), 4); });
            EXPECT_TRUE(ending.finished) << program.name << ending.error << ending.trouble;
            trial.lose_power(from, "killed after " + describe(record), toll);
            ++kills;
        }
    }
    print_figure("C2", toll.text() + " after " + grouped(kills) + " kills and retention");
}

// What the proof is worth: a writer that leaves out any one kind of fsync is found out.
TEST(PowerLoss, FindsOutAWriterThatLeavesOutASync) {
    const Life life;
    const fs::path checkpoints = life.root() / "checkpoints";
    const auto loses = [&](const std::function<bool(const fs::path&)>& of_file) {
        const DiskModel model = life.model([&](const shim::Record& record) {
            return record.kind == shim::Kind::kSync && of_file(record.path);
        });
        PowerLoss loss(model);
        loss.until_first_loss = true;
        loss.systematic();
        return loss.lost > 0;
    };
    EXPECT_FALSE(loses([](const fs::path&) { return false; }));
    EXPECT_TRUE(loses([](const fs::path& path) { return path.extension() == ".h5"; }));
    EXPECT_TRUE(loses([](const fs::path& path) {
        return path.filename().string().find("manifest") != std::string::npos;
    }));
    EXPECT_TRUE(loses([&](const fs::path& path) { return path == checkpoints; }));
    EXPECT_TRUE(loses([&](const fs::path& path) {
        return path.parent_path() == checkpoints && path != checkpoints;
    }));
    EXPECT_TRUE(loses([&](const fs::path& path) { return path == life.root(); }));
}

}  // namespace
}  // namespace r1::crash
