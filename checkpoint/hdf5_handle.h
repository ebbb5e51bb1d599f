// SPDX-License-Identifier: Apache-2.0
// One alias per kind of HDF5 handle, so that a group cannot be passed for a file. Only the sources
// of r1_checkpoint_hdf5 include this.
#pragma once

#include <hdf5.h>

#include <source_location>
#include <string>

#include "common/error.h"
#include "common/handle.h"

namespace r1::hdf5 {

template <herr_t (*Close)(hid_t)>
struct Traits {
    using Raw = hid_t;
    static hid_t null() noexcept { return H5I_INVALID_HID; }
    static void close(hid_t id) noexcept { Close(id); }
};
using File = Handle<Traits<H5Fclose>>;
using DataSet = Handle<Traits<H5Dclose>>;
using DataSpace = Handle<Traits<H5Sclose>>;
using DataType = Handle<Traits<H5Tclose>>;
using Attribute = Handle<Traits<H5Aclose>>;
using PropertyList = Handle<Traits<H5Pclose>>;

/// HDF5's own account of the error that has just happened, innermost call first. Empties it.
std::string take_error_text();

/// The result, when the call succeeded. Throws Error (kLibrary) with HDF5's account of it.
template <class Result>
Result check(Result result, const char* call,
             std::source_location at = std::source_location::current()) {
    if (result < 0) throw_library_error("HDF5", call, take_error_text(), at);
    return result;
}

/// A failed close is lost data: on the way to success, closing is a step of its own.
inline void close_checked(File file) {
    check(H5Fclose(file.release()), "H5Fclose");
}

}  // namespace r1::hdf5
