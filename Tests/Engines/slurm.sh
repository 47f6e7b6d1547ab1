# A cluster of three nodes with two cores each on this machine: a daemon for each node, at a port of its own. Its configuration, keys
# and records are in the scratch folder, so that a Slurm which is here already is not touched.

command -v sbatch > /dev/null && command -v slurmd > /dev/null && command -v slurmctld > /dev/null && command -v munged > /dev/null ||
  install_packages slurmctld slurmd slurm-client munge
# Daemons are where the paths of users do not lead.
PATH=$PATH:/usr/sbin:/sbin

# A socket's path may have 107 characters, and Slurm's configuration no spaces.
cluster=$(mktemp -d /tmp/imbrex-slurm.XXXXXX)
export SLURM_CONF=$cluster/slurm.conf

start_cluster() {
  local port=$((20000 + RANDOM % 10000)) me
  me=$(id -un)
  head -c 128 /dev/urandom > "$cluster/key"
  chmod 600 "$cluster/key"
  # No cgroups, which containers do not have; a lost node is noticed within seconds, not minutes; what ran on it may run again at once.
  cat > "$SLURM_CONF" <<CONF
ClusterName=imbrex
SlurmctldHost=$(hostname)(127.0.0.1)
SlurmctldPort=$port
AuthType=auth/munge
AuthInfo=socket=$cluster/socket,cred_expire=5
SlurmUser=$me
SlurmdUser=$me
StateSaveLocation=$cluster/state
SlurmdSpoolDir=$cluster/spool.%n
SlurmctldPidFile=$cluster/slurmctld.pid
SlurmdPidFile=$cluster/slurmd.%n.pid
SlurmctldLogFile=$cluster/slurmctld.log
SlurmdLogFile=$cluster/slurmd.%n.log
MailProg=/bin/true
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=1
SlurmdTimeout=5
SlurmdParameters=config_overrides
ReturnToService=2
NodeName=n[1-3] NodeAddr=127.0.0.1 NodeHostname=$(hostname) Port=[$((port + 1))-$((port + 3))] CPUs=2 RealMemory=4000
PartitionName=main Nodes=ALL Default=YES State=UP
CONF
  local version
  version=$(slurmd -V | sed 's/[^0-9]*\([0-9]*\).*/\1/')
  echo "CgroupPlugin=$([ "$version" -ge 23 ] && echo disabled || echo cgroup/v1)" > "$cluster/cgroup.conf"
  mkdir "$cluster/state"
  begin "$cluster/munged.log" munged --foreground --force --key-file="$cluster/key" --socket="$cluster/socket" \
    --pid-file="$cluster/munged.pid" --log-file="$cluster/munged.log" --seed-file="$cluster/seed"
  begin "$cluster/slurmctld.out" slurmctld -D
  for node in n1 n2 n3; do
    mkdir "$cluster/spool.$node"
    begin "$cluster/$node.out" slurmd -D -N $node
    eval "$node=$!"
  done
  await 60 "Slurm's nodes" all_idle
}

all_idle() { [ "$(sinfo -h -N -t idle | wc -l)" = 3 ]; }

# Processes of a node's tasks: Slurm tells each where it runs.
processes_of() { # NODE
  local place
  for place in /proc/[0-9]*; do
    ! grep -qsz "^SLURMD_NODENAME=$1$" "$place/environ" || echo "${place#/proc/}"
  done
}

# Holds a node's tasks, so that none can end; whether there were any.
hold() { # NODE
  local held
  held=$(processes_of "$1")
  [ -n "$held" ] && kill -STOP $held
}

# A node's daemon, what watches over its tasks, and those: as if somebody had pulled the plug.
kill_node() { # NODE
  local victims=() process parent
  for process in $(processes_of "$1"); do
    parent=$(ps -o ppid= -p "$process" | tr -d ' ') || continue
    ! ps -o args= -p "$parent" | grep -q slurmstepd || victims+=("$parent")
    victims+=("$process")
  done
  kill -9 "${!1}" "${victims[@]}" 2> /dev/null || true
  wait "${!1}" 2> /dev/null || true
}

clean_up() {
  for node in n1 n2 n3; do kill_node $node 2> /dev/null; done
  rm -rf "$cluster"
}

start_cluster

# One large picture; in the middle a node is lost.
create slurm
"$program" job submit slurm.job --engine slurm --go --wait -- --partition=main 2> slurm.log &
submission=$!
logs+=(slurm.log)
started+=($submission)
await 100 "two tasks of Slurm" has_done slurm.job 2
await 20 "a task on node n2" hold n2
kill_node n2
[ ! -e slurm.tif ] || fail "Slurm was done before a node was lost"
wait $submission || { cat slurm.log >&2; fail "the job on Slurm ended with status $?"; }
cat slurm.log
same slurm
grep -qi "requeue.*JobId=" "$cluster/slurmctld.log" || fail "no task was on the node that was lost"

# A directory with a damaged picture.
create_batch slurm-photos
"$program" job submit slurm-photos.job --engine slurm --go --wait 2> slurm.log && fail "Slurm did not see that a task failed"
same_batch slurm-photos

# What is done is not asked for again.
"$program" job submit slurm.job --engine slurm --go 2>&1 | grep -q "all tasks are done" || fail "tasks that are done were submitted"

clean_up
clean_up() { :; }
