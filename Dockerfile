# The same image serves (`candor serve`) and works (`candor worker`). Core dependencies only: no
# torch. Build with EXTRAS=postgres,models for Hugging Face models.
FROM python:3.11-slim-bookworm AS build
ARG EXTRAS=postgres
WORKDIR /src
RUN python -m venv /opt/candor
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY backend backend
COPY ingestion ingestion
COPY knowledge knowledge
COPY training training
COPY benchmarks benchmarks
COPY models models
COPY widget widget
COPY docs docs
RUN /opt/candor/bin/pip install --no-cache-dir --constraint constraints.txt ".[${EXTRAS}]"

FROM python:3.11-slim-bookworm
RUN useradd --create-home --uid 10001 candor && install -d -o candor -g candor /data
COPY --from=build /opt/candor /opt/candor
ENV PATH=/opt/candor/bin:$PATH PYTHONUNBUFFERED=1 CANDOR_DATA=/data CANDOR_HOST=0.0.0.0
USER candor
WORKDIR /data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/readyz', timeout=2)"]
CMD ["candor", "serve"]
