#!/bin/sh
# Start Docker with systemd, an init script or directly, and wait until it answers.
# usage: start_docker.sh SECONDS LOG   (prints "changed" if it started Docker)
set -u
seconds=$1 log=$2
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

answers() { timeout 5 docker info > /dev/null 2>&1; }
running() { pgrep -x dockerd > /dev/null 2>&1; }

wait_for_answer() { # SECONDS [PID], at most as long as that process is alive
  tries=$(($1 * 2))
  while [ "$tries" -gt 0 ]; do
    answers && return 0
    [ -z "${2:-}" ] || kill -0 "$2" 2> /dev/null || return 1
    sleep 0.5
    tries=$((tries - 1))
  done
  return 1
}

# Remove the PID file of a killed daemon. Its PID may belong to another process now, which prevents the daemon from starting.
forget() { # PIDFILE NAME
  [ -f "$1" ] || return 0
  pid=$(cat "$1")
  [ "$(cat "/proc/$pid/comm" 2> /dev/null)" = "$2" ] || rm -f "$1"
}

fail() {
  echo "Docker does not answer ($1, up to $seconds s)."
  if [ -d /run/systemd/system ]; then
    echo 'Last lines of its journal:'
    journalctl -u docker -n 15 --no-pager 2> /dev/null
    echo 'Next: journalctl -u docker, fix the cause, systemctl start docker, then run again.'
  else
    echo "Last lines of $log:"
    tail -n 15 "$log" 2> /dev/null
    echo "Next: fix the cause, then run again. The configuration is in /etc/docker/daemon.json."
  fi
  exit 1
}

answers && exit 0
if running; then
  wait_for_answer "$seconds" && exit 0
  fail 'it is running'
fi
forget /var/run/docker.pid dockerd
forget /var/run/docker/containerd/containerd.pid containerd
running || rm -f /var/run/docker.sock

if [ -d /run/systemd/system ]; then
  systemctl reset-failed docker.service docker.socket 2> /dev/null
  systemctl start docker.service
  wait_for_answer "$seconds" || fail 'systemctl start docker'
  echo changed
  exit 0
fi
if [ -x /etc/init.d/docker ] && service docker start > /dev/null 2>&1 && wait_for_answer 10; then
  echo changed
  exit 0
fi
# Without systemd, or if the init script is not allowed to raise its limits, start the daemon in a session of its own.
if running; then
  wait_for_answer "$seconds" || fail 'the init script started it'
else
  setsid dockerd >> "$log" 2>&1 < /dev/null &
  wait_for_answer "$seconds" $! || fail dockerd
fi
echo changed
