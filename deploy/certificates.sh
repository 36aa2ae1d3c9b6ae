#!/bin/sh
# A private authority and certificates of servers: certificates.sh FOLDER NAME [OTHER-NAME...]
#
# FOLDER/ca.pem and ca.key are made once (keep ca.key away from the servers; edges and worker get ca.pem).
# FOLDER/NAME.pem and NAME.key are made anew at every call, for all the names: that is how a certificate is renewed.
set -eu
[ $# -ge 2 ] || { echo "usage: certificates.sh FOLDER NAME [OTHER-NAME...]" >&2; exit 2; }
folder=$1 name=$2
shift
days=${DAYS:-397} key="-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
umask 077
mkdir -p "$folder"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# shellcheck disable=SC2086 # $key is several words
if [ ! -e "$folder/ca.key" ]; then
  printf 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n' >"$work/ca.ext"
  openssl req $key -keyout "$work/ca.key" -out "$work/ca.csr" -subj "/CN=beffroi authority" 2>/dev/null
  openssl x509 -req -in "$work/ca.csr" -signkey "$work/ca.key" -days 3650 -extfile "$work/ca.ext" -out "$work/ca.pem" 2>/dev/null
  mv "$work/ca.pem" "$work/ca.key" "$folder/"
fi
names=
for one in "$@"; do names="$names${names:+,}DNS:$one"; done
printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth\n' "$names" >"$work/server.ext"
# shellcheck disable=SC2086
openssl req $key -keyout "$work/server.key" -out "$work/server.csr" -subj "/CN=$name" 2>/dev/null
openssl x509 -req -in "$work/server.csr" -CA "$folder/ca.pem" -CAkey "$folder/ca.key" -CAcreateserial \
  -days "$days" -extfile "$work/server.ext" -out "$work/server.pem" 2>/dev/null
mv "$work/server.key" "$folder/$name.key"
mv "$work/server.pem" "$folder/$name.pem"
chmod 644 "$folder/ca.pem" "$folder/$name.pem"
openssl x509 -in "$folder/$name.pem" -noout -enddate
