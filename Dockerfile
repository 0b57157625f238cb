# Runs the tester as a server for clients, as the reference suite's image does: same command, folders and port.
#   docker build -t wsspec .
#   docker run --rm -p 9001:9001 -v "$PWD/reports:/reports" wsspec
#   docker run --rm --network=host -v "$PWD:/config" wsspec wsspec run ws://127.0.0.1:9001
FROM rust:1.95-slim AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked -p wsspec --bins

# Not distroless: scripts run sh, cat and touch in the container, and write to its /etc/hosts.
FROM debian:stable-slim
COPY --from=build /src/target/release/wsspec /src/target/release/wstest /usr/local/bin/
COPY docker/fuzzingserver.json /config/fuzzingserver.json
# Any user may write the reports (docker run --user), and some scripts call the program by its old path.
RUN mkdir -p /reports /opt/pypy/bin && chmod 777 /config /reports && ln -s /usr/local/bin/wstest /opt/pypy/bin/wstest
WORKDIR /
VOLUME ["/config", "/reports"]
EXPOSE 9001 8080
# A port of a container can only be published from an address that others reach.
ENV WSSPEC_BIND=0.0.0.0
CMD ["wstest", "--mode", "fuzzingserver", "--spec", "/config/fuzzingserver.json"]
