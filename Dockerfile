# The operator's image: `make image`, or `docker build .` alone.
#
# BASE is Debian or something like it. Where it has no Python 3.11 or newer, Debian's is installed.
# Nothing but Debian's Python and /opt/failoverip reaches the last stage: no pip, no compiler.
ARG BASE=debian:trixie-slim

FROM ${BASE} AS python
RUN command -v python3 >/dev/null || { \
      apt-get update -qq \
      && DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends python3 \
      && rm -rf /var/lib/apt/lists/* /var/cache/* /var/log/*; }

FROM python AS build
RUN python3 -m ensurepip --version >/dev/null 2>&1 || { \
      apt-get update -qq \
      && DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends python3-venv; }
WORKDIR /src
ENV PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
COPY requirements/build.lock requirements/operator.lock requirements/
# The two secrets are how this machine reaches its package index; a machine that reaches the usual
# one without further ado has neither. They leave nothing in a layer.
RUN --mount=type=secret,id=pip.conf --mount=type=secret,id=pip-ca.pem \
    if [ -e /run/secrets/pip.conf ]; then export PIP_CONFIG_FILE=/run/secrets/pip.conf; fi; \
    if [ -e /run/secrets/pip-ca.pem ]; then export PIP_CERT=/run/secrets/pip-ca.pem; fi; \
    python3 -m venv /build \
    && python3 -m venv --without-pip /opt/failoverip \
    && /build/bin/pip install --quiet --require-hashes --only-binary :all: -r requirements/build.lock \
    && /build/bin/pip --python /opt/failoverip/bin/python install --quiet --no-compile \
         --require-hashes --only-binary :all: -r requirements/operator.lock
COPY pyproject.toml README.md LICENSE ./
COPY manifests manifests
COPY controller controller
RUN /build/bin/pip wheel --quiet --no-index --no-deps --no-build-isolation --wheel-dir /wheel . \
    && /build/bin/pip --python /opt/failoverip/bin/python install --quiet --no-compile \
         --no-index --no-deps /wheel/*.whl
# What is never imported goes; what stays is compiled here, for the root file system is read-only.
COPY container/settle.py container/
ARG SOURCE_DATE_EPOCH=0
RUN /opt/failoverip/bin/python container/settle.py

FROM python
ARG VERSION=unknown
ARG REVISION=unknown
ARG SOURCE=
LABEL org.opencontainers.image.title="failoverip" \
      org.opencontainers.image.description="Keeps a Hetzner Failover IP on a healthy Kubernetes node" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}"
COPY --from=build /opt/failoverip /opt/failoverip
# HOME: the user is in no passwd file, and the Kubernetes client will not load without a home.
ENV PATH=/opt/failoverip/bin:/usr/local/bin:/usr/bin:/bin HOME=/ PYTHONDONTWRITEBYTECODE=1
# As manifests/operator/deployment.yaml says; a number, so that runAsNonRoot can be checked.
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["failoverip"]
