# syntax=docker/dockerfile:1
# Two stages: build with everything, run with almost nothing, as nobody in particular.
FROM rust:1.95.0-bookworm AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends pkg-config libssl-dev zlib1g-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
# The image's own toolchain is the one that rust-toolchain.toml names: keep the three in step. Without this rustup would
# fetch the lints for nothing.
ENV RUSTUP_TOOLCHAIN=1.95.0
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
# The configuration in the image is all defaults and names no source: mount your own over it, and a volume on the store's
# directory so that a new container reads a tail and not the whole changelog.
# Health and metrics stay on loopback until `http.bind` and `http.insecure` say otherwise.
EXPOSE 8480
# The daemon asks itself: there is no curl in here.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["casewright", "health"]
# SIGTERM finishes the batch, commits and leaves: give it `pipeline.shutdown_deadline` (`docker stop --time 25`). A kill
# before that loses nothing either.
STOPSIGNAL SIGTERM
ENTRYPOINT ["casewright"]
CMD ["run"]
