# The real Apache Kafka for tests and for trying things. Included by the Makefile at the top of the repository.

PORT ?= 9092
KAFKA_LIBS := target/kafka/libs

.PHONY: kafka-jars kafka

# What pom.xml pins, checked by Maven.
kafka-jars: $(KAFKA_LIBS)/.fetched

$(KAFKA_LIBS)/.fetched: tests/kafka/pom.xml
	@command -v mvn >/dev/null || { echo "no mvn: install Maven (Debian: apt-get install maven)" >&2; exit 1; }
	rm -rf $(KAFKA_LIBS)
	mvn --quiet --batch-mode --strict-checksums --file tests/kafka/pom.xml package
	touch $@

# Leaves a broker running in the foreground, fresh each time: make kafka PORT=9092
kafka: kafka-jars
	@dir=$$(mktemp -d) && trap 'rm -rf "$$dir"' EXIT && trap : INT TERM && \
	    sh tests/kafka/broker.sh foreground "$$dir" $(PORT) $$(($(PORT) + 10000))
