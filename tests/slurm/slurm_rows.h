// SPDX-License-Identifier: Apache-2.0
// What squeue and sacct print, for tests.
#pragma once

#include <string>

namespace r1 {

/// One row as squeue --Format prints it, with the fields of queue_format() after the id.
struct QueueRow {
    std::string id;
    std::string state = "PENDING";
    std::string restarts = "0";
    std::string submit = "1795305453";
    std::string start = "N/A";
    std::string end = "N/A";
    std::string left = "1:00:00";
    std::string partition = "gpu";
    std::string nodes{};
    std::string reason = "Priority";
    std::string name = "run1";
    std::string comment = "(null)";

    std::string text() const {
        std::string row;
        for (const std::string& field :
             {id, state, restarts, submit, start, end, left, partition, nodes, reason, name})
            row += field + '\x1f';
        return row + comment + "\x1e\n";
    }
};

/// One record as sacct prints it, with the fields of history_format().
struct HistoryRow {
    std::string id;
    std::string state = "COMPLETED";
    std::string submit = "1795305453";
    std::string start = "1795305454";
    std::string end = "1795305554";
    std::string suspended = "00:00:00";
    std::string partition = "gpu";
    std::string nodes = "node1";
    std::string allocated = "billing=8,cpu=8,gres/gpu=8,node=1";
    std::string cluster = "main";
    std::string user = "ada";
    std::string account = "lab";
    std::string name = "run1";
    std::string comment{};
    std::string exit_code = "0:0";

    std::string text() const {
        std::string row;
        for (const std::string& field : {id, state, submit, start, end, suspended, partition, nodes,
                                         allocated, cluster, user, account, name, comment})
            row += field + '\x1f';
        return row + exit_code + "\n";
    }
};

}  // namespace r1
