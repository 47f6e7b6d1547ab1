#!/bin/bash
# Copies the licences of static libraries into a folder, as their packages say them.
#
#     licences.sh LIBRARIES FOLDER            LIBRARIES as static-libraries.sh has left it
set -euo pipefail
mkdir -p "$2"
for library in "$1"/lib*.a; do
  name=$(basename "$library" .a)
  path=$(realpath "$library")
  if [ -e "$1/${name#lib}-LICENSE" ]; then
    cp "$1/${name#lib}-LICENSE" "$2/${name#lib}"
  else
    package=$(dpkg-query -S "$path" | sed -n '1s/:.*//p')
    cp "$(realpath "/usr/share/doc/$package/copyright")" "$2/${name#lib}"
  fi
done
# The runtime of Swift: Apache 2.0 with an exception for what is compiled.
swift=$(dirname "$(dirname "$(realpath "$(command -v "${SWIFT:-swift}")")")")
cp "$swift/share/swift/LICENSE.txt" "$2/swift"
