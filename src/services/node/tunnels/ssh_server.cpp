// SPDX-License-Identifier: Apache-2.0
#include "services/node/tunnels/tunnel_desk.hpp"

namespace vcity::node {
namespace {

// One server for one connection, as the sandbox's own user; nothing listens. The host key lives as long as the sandbox,
// so that a client sees the same one each time; the first connections may race for it, and the link decides. Root (in a
// container's own user namespace) needs sshd's empty folder.
constexpr const char* kSshServer = R"sh(
fail() { printf '%s\r\n' "vcity: $1"; exit 78; }
[ -n "${VCITY_SSH_KEY:-}" ] || fail "the step's environment has no VCITY_SSH_KEY"
umask 077
dir=/tmp/.vcity-ssh
mkdir -p "$dir" || fail "there is no room in /tmp"
printf '%s\n' "$VCITY_SSH_KEY" > "$dir/keys.$$" && mv -f "$dir/keys.$$" "$dir/authorized_keys"
sshd=$(command -v /usr/sbin/sshd || command -v sshd)
if [ -n "$sshd" ] && command -v ssh-keygen >/dev/null; then
    if [ ! -e "$dir/host_key" ]; then
        ssh-keygen -q -t ed25519 -N '' -C '' -f "$dir/new.$$" </dev/null >/dev/null 2>&1 &&
            ln "$dir/new.$$" "$dir/host_key" 2>/dev/null
        rm -f "$dir/new.$$" "$dir/new.$$.pub"
    fi
    [ "$(id -u)" != 0 ] || mkdir -p /run/sshd 2>/dev/null
    exec "$sshd" -i -f /dev/null -h "$dir/host_key" \
        -o AuthorizedKeysFile="$dir/authorized_keys" -o StrictModes=no -o UsePAM=no -o UseDNS=no \
        -o PasswordAuthentication=no -o KbdInteractiveAuthentication=no -o PidFile=none -o PrintMotd=no \
        -o X11Forwarding=no -o AllowAgentForwarding=no -o GatewayPorts=no -o LogLevel=QUIET \
        -o Subsystem='sftp internal-sftp' 2>/dev/null
fi
fail "there is neither sshd nor ssh-keygen here; 'vcity ssh' without --openssh needs neither"
)sh";

// The user's name and home may be missing in /etc/passwd; a shell asks for neither.
constexpr const char* kLoginShell = R"sh(
[ -d "${HOME:-}" ] || export HOME=/tmp
for shell in /bin/bash /usr/bin/bash; do
    [ ! -x "$shell" ] || exec "$shell" -l
done
exec /bin/sh -l
)sh";

}  // namespace

std::vector<std::string> ssh_server_command() {
    return {"/bin/sh", "-c", kSshServer};
}

std::vector<std::string> login_shell_command() {
    return {"/bin/sh", "-c", kLoginShell};
}

}  // namespace vcity::node
