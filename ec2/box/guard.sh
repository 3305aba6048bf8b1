#!/bin/sh
# Ends this box when nobody needs it: after its deadline, or when it has idled. Runs every minute as root, by a systemd
# timer that outlives reboots. It never acts while the file "hold" is there, which the engine keeps from the first step
# of a run to the last: not after a crash either, because then an app may stand in maintenance. Idle means nobody logged
# in and nothing held; it is never judged by CPU, because a restore that waits for an index looks idle.
set -u
dir=${CHANGEOVER_GUARD_DIR:-/var/lib/changeover}
run=${CHANGEOVER_GUARD_RUN:-/run}
idle=${CHANGEOVER_GUARD_IDLE:-1800}
now=$(date +%s)

say() {
	# Said once per reason; the file forgets with the next boot or the next activity.
	[ "$(cat "$run/changeover-guard.said" 2>/dev/null)" = "$1" ] && return
	echo "$1" >"$run/changeover-guard.said"
	echo "changeover: $2"
	echo "changeover: $2" | wall 2>/dev/null
}

off() {
	echo "changeover: $1; powering off"
	systemctl poweroff || poweroff # not halt: a halted instance goes on to be paid for
	exit 0
}

deadline=$(cat "$dir/deadline" 2>/dev/null)
case $deadline in '' | *[!0-9]*) deadline= ;; esac

if [ -e "$dir/hold" ]; then
	touch "$run/changeover-guard.active"
	if [ -n "$deadline" ] && [ "$now" -ge "$deadline" ]; then
		say held "the box is past its deadline and stays on: $(head -n 1 "$dir/hold")"
	fi
	exit 0
fi

if [ -n "$deadline" ]; then
	[ "$now" -ge "$deadline" ] && off "the deadline of this box has passed and nothing holds it"
	if [ "$now" -ge $((deadline - 600)) ]; then
		say deadline "this box ends in $(((deadline - now + 59) / 60)) minutes; keep it longer with: changeover box keep --hours 4"
	fi
fi

if [ -n "$(who 2>/dev/null)" ] || [ -n "$(ss -Htn state established '( sport = :22 )' 2>/dev/null)" ]; then
	touch "$run/changeover-guard.active"
	exit 0
fi
# The first look after a boot begins the count.
[ -e "$run/changeover-guard.active" ] || touch "$run/changeover-guard.active"
since=$(stat -c %Y "$run/changeover-guard.active")
[ $((now - since)) -ge "$idle" ] && off "nobody was logged in and no run was in progress for $((idle / 60)) minutes"
[ $((now - since)) -ge $((idle - 300)) ] && say idle "this box idles and ends in a few minutes; log in to keep it"
exit 0
