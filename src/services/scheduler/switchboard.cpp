// SPDX-License-Identifier: Apache-2.0
#include "services/scheduler/switchboard.hpp"

namespace vcity::scheduler {

SessionId Switchboard::add(services::LinkSession* link, services::LinkPeer peer) {
    const SessionId id = next_++;
    entries_.emplace(id, Entry{link, std::move(peer)});
    return id;
}

const Switchboard::Entry* Switchboard::find(SessionId id) const {
    const auto found = entries_.find(id);
    return found == entries_.end() ? nullptr : &found->second;
}

bool Switchboard::post(SessionId id, Message message) {
    const Entry* entry = find(id);
    return entry != nullptr && entry->link->post(std::move(message));
}

void Switchboard::close(SessionId id) {
    const Entry* entry = find(id);
    if (entry != nullptr) entry->link->close();
}

void Switchboard::close_all() {
    for (const auto& [id, entry] : entries_) entry.link->close();
}

std::vector<SessionId> Switchboard::of_role(Role role) const {
    std::vector<SessionId> ids;
    for (const auto& [id, entry] : entries_) {
        if (entry.peer.role == role && entry.link->is_open()) ids.push_back(id);
    }
    return ids;
}

}  // namespace vcity::scheduler
