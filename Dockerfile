# syntax=docker/dockerfile:1
# Targets: cpu (the embedded engines, no torch) and cuda (Whisper, Coqui and language models as well).

FROM node:22-slim AS web
WORKDIR /build/web
COPY web/package.json web/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY web/ ./
RUN npm run build

FROM python:3.11-slim AS builder
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/viva
ENV PATH=/opt/viva/bin:$PATH
WORKDIR /build
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY agent/ agent/
COPY voice/ voice/
COPY dialogue/ dialogue/
COPY memory/ memory/
COPY prompts/ prompts/
COPY simulation/ simulation/
COPY vivavoce/ vivavoce/
COPY tuning/ tuning/
COPY --from=web /build/agent/service/web/ agent/service/web/
RUN pip install -c constraints.txt .

FROM builder AS builder-cuda
RUN pip install -c constraints.txt '.[all,cuda]'

FROM python:3.11-slim AS base
RUN apt-get update && apt-get install -y --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /data --create-home viva
ENV PATH=/opt/viva/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 VIVA_HOME=/data MPLCONFIGDIR=/tmp
USER viva
WORKDIR /data
VOLUME /data
EXPOSE 8080 8081
ENTRYPOINT ["viva"]
CMD ["--help"]

FROM base AS cuda
COPY --from=builder-cuda /opt/viva /opt/viva

FROM base AS cpu
COPY --from=builder /opt/viva /opt/viva
