#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# build_deb.sh BUILD_DIR OUT_DIR: a Debian package of what BUILD_DIR has built. Prints the package's path.
set -euo pipefail
build=$(realpath "$1")
mkdir -p "$2"
out=$(realpath "$2")
here=$(cd "$(dirname "$0")" && pwd)
source_root=$(dirname "$here")
version=$("$build/apps/vcity/vcity" --version)
architecture=$(dpkg --print-architecture)
# The same sources give the same package.
export SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-$(git -C "$source_root" log -1 --format=%ct 2>/dev/null || echo 0)}"

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 0755 "$root"
tree="$root/tree"
doc="$tree/usr/share/doc/vcity"
install -d "$tree/DEBIAN" "$tree/usr/bin" "$tree/lib/systemd/system" "$tree/usr/lib/sysusers.d" \
    "$tree/usr/lib/tmpfiles.d" "$tree/etc/default" "$tree/etc/vcity" "$tree/usr/share/vcity/models" \
    "$tree/usr/share/man/man1" "$tree/usr/share/lintian/overrides" "$tree/usr/share/bash-completion/completions" \
    "$tree/usr/share/fish/vendor_completions.d" "$doc/examples"

for program in "$build/apps/vcity/vcity" "$build/apps/worker/vcity-worker" "$build/apps/init/vcity-init"; do
    install -m 0755 "$program" "$tree/usr/bin/"
    strip --strip-unneeded "$tree/usr/bin/$(basename "$program")"
done
vcity="$tree/usr/bin/vcity"
model="$tree/usr/share/vcity/models/vcity-mini-bilingual"
install -d "$model"
for file in README.md config.json generation_config.json model.safetensors sketch-enrolment.txt; do
    cp "$source_root/models/vcity-mini-bilingual/$file" "$model/"
done
cp "$source_root"/models/vcity-mini-bilingual/tokenizer* "$model/"

"$vcity" node unit > "$tree/lib/systemd/system/vcity-node.service"
"$vcity" completion bash > "$tree/usr/share/bash-completion/completions/vcity"
"$vcity" completion fish > "$tree/usr/share/fish/vendor_completions.d/vcity.fish"
man="$tree/usr/share/man/man1"
python3 "$here/man_page.py" "$vcity" | gzip -9n > "$man/vcity.1.gz"
python3 "$here/man_page.py" "$tree/usr/bin/vcity-worker" "computes the answers of models for a node" |
    gzip -9n > "$man/vcity-worker.1.gz"
python3 "$here/man_page.py" "$tree/usr/bin/vcity-init" "first program of a sandbox that can be reached" |
    gzip -9n > "$man/vcity-init.1.gz"
install -m 0644 "$here/debian/lintian-overrides" "$tree/usr/share/lintian/overrides/vcity"
install -m 0644 "$here/debian/sysusers.conf" "$tree/usr/lib/sysusers.d/vcity.conf"
install -m 0644 "$here/debian/tmpfiles.conf" "$tree/usr/lib/tmpfiles.d/vcity.conf"
install -m 0644 "$here/debian/vcity-node.default" "$tree/etc/default/vcity-node"
install -m 0644 "$here/debian/copyright" "$doc/copyright"
install -m 0644 "$here/debian/network.json" "$doc/examples/network.json"
printf 'vcity (%s) bookworm; urgency=medium\n\n  * See CHANGELOG.md of the sources.\n\n -- Vcity <packages@vcity.invalid>  %s\n' \
    "$version" "$(date -u -R -d "@$SOURCE_DATE_EPOCH")" | gzip -9n > "$doc/changelog.gz"

# What the programs are linked with, as the packages of this machine name it.
install -d "$root/debian"
printf 'Source: vcity\n\nPackage: vcity\nArchitecture: any\n' > "$root/debian/control"
depends=$(cd "$root" && dpkg-shlibdeps -O --ignore-missing-info "$tree"/usr/bin/* 2>/dev/null |
    sed -n 's/^shlibs:Depends=//p')
sed -e "s/@VERSION@/$version/" -e "s/@ARCHITECTURE@/$architecture/" -e "s|@DEPENDS@|$depends|" \
    -e "s/@SIZE@/$(du -sk --exclude=DEBIAN "$tree" | cut -f1)/" "$here/debian/control.in" > "$tree/DEBIAN/control"
printf '/etc/default/vcity-node\n' > "$tree/DEBIAN/conffiles"
for script in postinst prerm postrm; do install -m 0755 "$here/debian/$script" "$tree/DEBIAN/$script"; done
find "$tree" -type d -exec chmod 0755 {} +
find "$tree/usr/share" -type f -exec chmod 0644 {} +
chmod 0644 "$tree/lib/systemd/system/vcity-node.service"
(cd "$tree" && find . -type f -not -path './DEBIAN/*' -printf '%P\n' | sort | xargs md5sum > DEBIAN/md5sums)
chmod 0644 "$tree/DEBIAN/md5sums" "$tree/DEBIAN/control" "$tree/DEBIAN/conffiles"
package="$out/vcity_${version}_${architecture}.deb"
dpkg-deb --root-owner-group --build "$tree" "$package" > /dev/null
echo "$package"
