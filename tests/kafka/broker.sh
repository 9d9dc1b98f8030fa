#!/bin/sh
# Formats and runs one real Apache Kafka broker (KRaft, one node, loopback only) for tests and for trying things.
#
#   broker.sh MODE DIR PORT CONTROLLER_PORT [SCRAM_PORT]
#
# DIR holds everything the broker writes; a DIR already formatted is started as it is. With SCRAM_PORT a second
# listener speaks SASL_SSL with SCRAM-SHA-512; DIR/ca.pem is its certificate, casewright/casewright-secret its user.
# DIR/pid is the broker's process id. MODE says when the broker ends:
#   foreground  on a signal
#   guarded     when standard input closes: its holder cannot die without that
#   shared      when nobody has held a lock on DIR/../users.lock for IDLE_SECONDS
set -eu

IDLE_SECONDS=15
mode=$1 dir=$2 port=$3 controller_port=$4 scram_port=${5:-}
here=$(cd "$(dirname "$0")" && pwd)
libs=${CASEWRIGHT_KAFKA_LIBS:-$here/../../target/kafka/libs}

fail() {
    echo "broker.sh: $1" >&2
    exit 1
}

require() {
    command -v java >/dev/null || fail "no java: install a Java 17 runtime (Debian: apt-get install openjdk-17-jdk-headless)"
    ls "$libs"/kafka_2.13-*.jar >/dev/null 2>&1 || fail "no Kafka in $libs: run 'make kafka-jars'"
    [ -z "$scram_port" ] || command -v keytool >/dev/null || fail "no keytool: it comes with the JDK"
}

properties() {
    listeners="PLAINTEXT://127.0.0.1:$port"
    [ -z "$scram_port" ] || listeners="$listeners,EXTERNAL://127.0.0.1:$scram_port"
    cat <<EOF
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller_port
listeners=$listeners,CONTROLLER://127.0.0.1:$controller_port
advertised.listeners=$listeners
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,EXTERNAL:SASL_SSL
log.dirs=$dir/data
auto.create.topics.enable=false
# One node: nothing can be replicated, and few partitions start quickly.
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
# Tests wait for these.
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
broker.session.timeout.ms=6000
broker.heartbeat.interval.ms=500
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
# Small.
num.network.threads=2
num.io.threads=4
log.cleaner.dedupe.buffer.size=4194304
EOF
    [ -z "$scram_port" ] || cat <<EOF
sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.external.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.external.ssl.keystore.type=PKCS12
listener.name.external.ssl.keystore.location=$dir/keystore.p12
listener.name.external.ssl.keystore.password=casewright-keystore
EOF
}

keystore() {
    keytool -genkeypair -alias broker -keyalg RSA -keysize 2048 -validity 3650 -dname CN=localhost \
        -ext san=ip:127.0.0.1,dns:localhost -storetype PKCS12 -keystore "$dir/keystore.p12" \
        -storepass casewright-keystore >/dev/null 2>&1 || fail "keytool could not make a key"
    keytool -exportcert -rfc -alias broker -keystore "$dir/keystore.p12" -storepass casewright-keystore \
        -file "$dir/ca.pem" >/dev/null 2>&1 || fail "keytool could not export the certificate"
}

format() {
    mkdir -p "$dir"
    properties >"$dir/server.properties"
    [ ! -e "$dir/data/meta.properties" ] || return 0
    cluster=$(head -c 16 /dev/urandom | base64 | tr '+/' 'AB' | tr -d '=')
    set -- --cluster-id "$cluster" --config "$dir/server.properties"
    if [ -n "$scram_port" ]; then
        keystore
        set -- "$@" --add-scram 'SCRAM-SHA-512=[name=casewright,password=casewright-secret]'
    fi
    (jvm -Xmx128m kafka.tools.StorageTool format "$@") >"$dir/format.log" 2>&1 ||
        { cat "$dir/format.log" >&2; fail "the storage directory could not be formatted"; }
}

# Call it in a subshell or in the background, whose process becomes the JVM: its id is then the broker's.
jvm() {
    heap=$1
    shift
    exec java "$heap" -XX:+UseSerialGC -XX:TieredStopAtLevel="${CASEWRIGHT_KAFKA_TIER:-4}" -Djava.net.preferIPv4Stack=true \
        "-Dlog4j2.configurationFile=file:$here/log4j2.properties" -cp "$libs/*" "$@"
}

start() {
    jvm -Xmx512m kafka.Kafka "$dir/server.properties" </dev/null &
    broker=$!
    echo "$broker" >"$dir/pid.new"
    mv "$dir/pid.new" "$dir/pid"
}

# Whatever ends this script ends the broker. KILL also ends a stopped process, and nobody here is owed a clean stop.
end() {
    trap - EXIT
    rm -f "$dir/pid"
    kill -9 "$broker" 2>/dev/null || true
    wait "$broker" 2>/dev/null || true
}

running() {
    kill -0 "$broker" 2>/dev/null
}

run_foreground() {
    echo "Apache Kafka on 127.0.0.1:$port (data in $dir). Ctrl-C stops it. In another terminal:"
    echo "  CASEWRIGHT__KAFKA__BROKERS=127.0.0.1:$port casewright topics create"
    echo "  kcat -b 127.0.0.1:$port -L"
    wait "$broker"
}

# Until the holder of the pipe lets go, or ceases to be.
run_guarded() {
    cat >/dev/null
}

# A test process holds a shared lock for as long as it lives. The broker is ended under the exclusive lock, so that a
# process which waits for the lock meanwhile finds the broker gone, never dying.
run_shared() {
    users=$dir/../users.lock
    idle=0
    while running; do
        sleep 1
        if flock -n -x "$users" true; then idle=$((idle + 1)); else idle=0; fi
        [ "$idle" -ge "$IDLE_SECONDS" ] || continue
        exec 9>"$users"
        if flock -n -x 9; then
            end
            rm -rf "$dir"
            return 0
        fi
        exec 9>&-
        idle=0
    done
}

require
format
trap 'exit 130' INT TERM HUP
start
trap end EXIT
"run_$mode"
