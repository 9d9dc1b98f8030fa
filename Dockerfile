# Two stages: build with everything, run with almost nothing, as nobody in particular.
FROM rust:1.95-bookworm AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends pkg-config libssl-dev zlib1g-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked \
    && cp target/release/casewright /usr/local/bin/casewright

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libssl3 zlib1g \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /var/lib/casewright --create-home casewright
COPY --from=build /usr/local/bin/casewright /usr/local/bin/casewright
COPY config/casewright.toml /etc/casewright/casewright.toml
USER 10001
WORKDIR /var/lib/casewright
VOLUME /var/lib/casewright
ENV CASEWRIGHT_CONFIG=/etc/casewright/casewright.toml \
    CASEWRIGHT__STORE__PATH=/var/lib/casewright/store
# Health and metrics stay on loopback until `http.bind` and `http.insecure` say otherwise.
EXPOSE 8480
# The daemon asks itself: there is no curl in here.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["casewright", "health"]
# SIGTERM finishes the batch, commits and leaves.
STOPSIGNAL SIGTERM
ENTRYPOINT ["casewright"]
CMD ["run"]
