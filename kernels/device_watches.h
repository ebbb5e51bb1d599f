// SPDX-License-Identifier: Apache-2.0
// What looks on while the host waits for a device, so that a wait that would have no end throws.
#pragma once

#include <exception>
#include <functional>
#include <vector>

namespace r1 {

/// Who knows whether what the device waits for still comes: a group of ranks.
class DeviceWatch {
  public:
    /// Around each wait of the host.
    virtual void begin() noexcept = 0;
    virtual void end() noexcept = 0;
    /// Called again and again in a wait, with the seconds of it since the last look, and with 0 in
    /// passing, before it. Throws when the wait would have no end.
    virtual void look(double seconds) = 0;
    /// Called after each look of all watches: answers others who ask where this one is, and hears
    /// what they answer. Throws as look() does.
    virtual void answer(double seconds) = 0;
    /// Whether the device has done all that it was asked through this one.
    virtual bool idle() = 0;
    /// Whether it has asked others where they are and lacks an answer.
    virtual bool asks() const = 0;
    /// Frees the device of what it was asked through this one. That may end as late as in
    /// end_giving_up(), which is called when all watches of the device have been told: one may have
    /// to wait for another's work.
    virtual void give_up() noexcept = 0;
    virtual void end_giving_up() noexcept = 0;

  protected:
    ~DeviceWatch() = default;
};

/// The watches of one device. Used by the thread that waits for the device.
class DeviceWatches {
  public:
    /// A watch is among them from the making of its place to the end of it.
    class Place {
      public:
        Place(DeviceWatches& all, DeviceWatch& watch);
        Place(const Place&) = delete;
        Place& operator=(const Place&) = delete;
        ~Place();

      private:
        DeviceWatches& all_;
        DeviceWatch& watch_;
    };

    /// `forget`, if any, drops what the device could do again of the watches' work. It is called
    /// when all were told to give up, must not wait for the device and not throw.
    explicit DeviceWatches(std::function<void()> forget = {}) : forget_(std::move(forget)) {}
    DeviceWatches(const DeviceWatches&) = delete;
    DeviceWatches& operator=(const DeviceWatches&) = delete;

    bool empty() const { return watches_.empty(); }
    /// Waits until `done` is true; meanwhile all watches look, in turn. When one of them or `done`
    /// throws, all give up before the exception goes on; after that every wait throws, since what
    /// the device has then is not what it was asked for.
    void wait_until(const std::function<bool()>& done);
    /// Waits until all watches are idle.
    void wait_until_idle();
    /// Whether a watch but this one asks.
    bool another_asks(const DeviceWatch& than) const;
    /// All watches give up.
    void give_up() noexcept;

  private:
    void wait_and_look(const std::function<bool()>& done);
    void look(double seconds);

    std::function<void()> forget_;
    std::vector<DeviceWatch*> watches_;
    bool given_up_ = false;
    std::exception_ptr failure_;
};

}  // namespace r1
