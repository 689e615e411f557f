#!/bin/sh
# Start redis-server with the options given, and with the password of $REDIS_PASSWORD_FILE.
#
# The password goes through standard input: it stands in no list of arguments and no environment.
# Its user may do what a gallery needs and nothing that destroys or reconfigures: no FLUSHALL, no
# CONFIG SET, no DEBUG, no key outside reid:*.
set -eu

file=${REDIS_PASSWORD_FILE:?names the file that holds the password}
if [ ! -r "$file" ] || [ ! -f "$file" ]; then
    echo "expected a readable file $file, received none; make the secret as docs/gallery.md says" >&2
    exit 1
fi
password=$(cat "$file")
case $password in
    "" | *[!A-Za-z0-9_-]*)
        echo "expected a password of letters, digits, - and _ in $file, received none or others;" \
            "make the secret as docs/gallery.md says" >&2
        exit 1
        ;;
esac

# What a kill left half written: rows of people who may have been erased since. Redis neither reads
# nor removes it.
directory=.
before=
for word in "$@"; do
    if [ "$before" = --dir ]; then
        directory=$word
    fi
    before=$word
done
rm -f "$directory"/temp-*.aof "$directory"/temp-*.rdb

exec redis-server "$@" - <<END
user default reset on >$password ~reid:* +@all -@admin -@dangerous +config|get +info +role +bgrewriteaof +bgsave
END
