# segkit in a container (docs/containers.md): on the CPU, or with --build-arg TORCH=cuda on a GPU.
ARG PYTHON=python:3.12.14-slim-bookworm@sha256:0f5b26b9518d002b6173fd61daad821fa340635ebfec5bba471013f9ca114579

FROM ${PYTHON} AS build
ARG TORCH=cpu
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 UV_NO_CACHE=1 UV_COMPILE_BYTECODE=1
WORKDIR /src
COPY requirements-uv.txt ./
RUN python -m venv /opt/uv \
    && /opt/uv/bin/pip install --quiet --require-hashes -r requirements-uv.txt \
    && python -m venv --without-pip /opt/segkit
COPY requirements.txt pyproject.toml ./
# The lock is a constraint: it pins what segkit needs, by version and hash, without what its tests
# need. Of PyTorch it has the wheels with CUDA; those without lie elsewhere, and have other hashes.
RUN case "$TORCH" in \
        cuda) cp requirements.txt pinned.txt ;; \
        cpu) awk '/^[^ ]/ { torch = /^torch(vision)?==/; if (torch) sub(/ \\$/, "") } \
                !(torch && /--hash/)' requirements.txt > pinned.txt ;; \
        *) echo "TORCH=$TORCH: choose cpu or cuda" >&2; exit 1 ;; \
    esac \
    && if [ "$TORCH" = cpu ]; then export UV_TORCH_BACKEND=cpu; fi \
    && /opt/uv/bin/uv pip install --python /opt/segkit/bin/python --constraints pinned.txt \
        --extra dicomseg --extra onnx --extra rois --extra sweep --extra zarr -r pyproject.toml
COPY README.md LICENSE ./
COPY conf conf
COPY segkit segkit
# Built with the pinned hatchling, as `make setup` does it.
RUN python -m venv --without-pip /opt/hatch \
    && /opt/uv/bin/uv pip install --python /opt/hatch/bin/python --constraints requirements.txt \
        hatchling \
    && /opt/uv/bin/uv build --wheel --no-build-isolation --python /opt/hatch/bin/python \
        --out-dir /dist \
    && /opt/uv/bin/uv pip install --python /opt/segkit/bin/python --no-deps /dist/*.whl

FROM ${PYTHON}
LABEL org.opencontainers.image.title="segkit" org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/segkit /opt/segkit
# Nothing needs root: whoever runs it (--user) may write here. Volumes that are new take the mode.
RUN useradd --uid 1000 --create-home segkit && install -d -m 1777 /work /cache
ENV PATH=/opt/segkit/bin:$PATH PYTHONUNBUFFERED=1 XDG_CACHE_HOME=/cache
USER 1000:1000
# Data, runs and caches are mounted: nothing of value is kept in the container.
WORKDIR /work
ENTRYPOINT ["python", "-m"]
CMD ["segkit"]
