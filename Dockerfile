# The service with the shipped model; its galleries are in a volume or in Redis.
#
#   docker build --tag tracklet-reid .                      inference on the CPU
#   docker build --tag tracklet-reid:gpu --target gpu .     inference with CUDA 13
#
# It asks for API keys: mount a keys file and name it by REID_KEYS_FILE (docs/security.md). To try it
# without, publish it to this machine alone:
#   docker run --env REID_ALLOW_ANYONE=true --publish 127.0.0.1:8000:8000 tracklet-reid
#
# The base is pinned by tag: a digest can be given instead, for example
#   --build-arg PYTHON_IMAGE=python:3.11.14-slim-bookworm@sha256:...
# Wheels are pinned by digest in requirements/*.lock.
ARG PYTHON_IMAGE=python:3.11.14-slim-bookworm

# hadolint ignore=DL3006
FROM ${PYTHON_IMAGE} AS cpu-environment
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
# Without pip of its own: what builds the environment is not in it.
RUN python -m venv --without-pip /opt/reid
COPY requirements/service.lock requirements/
RUN python -m pip --python /opt/reid/bin/python install --no-deps --only-binary :all: \
        --require-hashes --requirement requirements/service.lock
COPY pyproject.toml README.md LICENSE ./
# Of the model the service needs the manifest alone; the networks and torch stay away.
COPY model/__init__.py model/manifest.py model/manifest_json.py model/stored_graph.py model/stored_gate.py \
     model/calibration.py model/durable_file.py model/
COPY service service
RUN python -m pip --python /opt/reid/bin/python install --no-deps --no-build-isolation . \
    && python -m pip --python /opt/reid/bin/python uninstall --yes setuptools \
    && rm /opt/reid/bin/reid-train

FROM cpu-environment AS gpu-environment
COPY requirements/gpu.lock requirements/
# Both wheels are the package `onnxruntime`: the one without CUDA has to go first.
RUN python -m pip --python /opt/reid/bin/python uninstall --yes onnxruntime \
    && python -m pip --python /opt/reid/bin/python install --no-deps --only-binary :all: \
        --require-hashes --requirement requirements/gpu.lock

# hadolint ignore=DL3006
FROM ${PYTHON_IMAGE} AS runtime
LABEL org.opencontainers.image.title="tracklet-reid" \
      org.opencontainers.image.description="Video person re-identification retrieval service" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="0.1.0"
# The service installs nothing, and a container that can is a tool for others.
RUN python -m pip uninstall --yes --root-user-action ignore pip setuptools wheel \
    && groupadd --gid 10001 reid \
    && useradd --uid 10001 --gid reid --no-create-home --home-dir /nonexistent \
        --shell /usr/sbin/nologin reid \
    && install --directory --owner reid --group reid --mode 0700 /data
ENV PATH=/opt/reid/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    ORT_DISABLE_TELEMETRY=1 \
    REID_HOST=0.0.0.0 \
    REID_PORT=8000 \
    REID_ARTIFACT_DIR=/opt/artifact \
    REID_DATA_DIR=/data \
    SQLITE_TMPDIR=/data
COPY artifacts/dcct-light /opt/artifact
WORKDIR /data
VOLUME /data
USER 10001:10001
EXPOSE 8000 8001
# Alive, not ready: while galleries are read again from the store a restart would not help.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-m", "service.probe", "/healthz"]
# The exec form: SIGTERM reaches the service itself, which then ends what is under way.
STOPSIGNAL SIGTERM
ENTRYPOINT ["reid"]
CMD ["serve"]

FROM runtime AS gpu
COPY --from=gpu-environment /opt/reid /opt/reid
# The driver comes from the host; CUDA and cuDNN are wheels, as pinned as all others. TensorRT is in
# no image: deploy/tensorrt.yml mounts it where the last directory is.
ENV REID_INFERENCE_PROVIDER=cuda \
    LD_LIBRARY_PATH=/opt/reid/lib/python3.11/site-packages/nvidia/cu13/lib:/opt/reid/lib/python3.11/site-packages/nvidia/cudnn/lib:/opt/tensorrt/lib \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility

# Last, and so the one that is built when no target is named.
FROM runtime AS cpu
COPY --from=cpu-environment /opt/reid /opt/reid
