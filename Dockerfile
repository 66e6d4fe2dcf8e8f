# Two images from one file: `web` (pages, API, beat, management commands) and `worker` (adds parsers and ONNX models).
#
#   docker build --target web -t chatbot-web .
#   docker build --target worker -t chatbot-worker .

ARG PYTHON_IMAGE=python:3.13-slim-trixie

FROM ${PYTHON_IMAGE} AS python
ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1

# The packages in stages of their own: a change of the code does not install them again.
FROM python AS web-packages
RUN python -m venv /venv
COPY requirements/base.txt /requirements/
RUN /venv/bin/pip install --require-hashes --compile -r /requirements/base.txt

FROM python AS worker-packages
RUN python -m venv /venv
COPY requirements/worker.txt /requirements/
RUN /venv/bin/pip install --require-hashes --compile -r /requirements/worker.txt

FROM python AS runtime
# glibc's arena per thread would double the memory of the thread pools.
ENV PATH=/venv/bin:$PATH \
    MALLOC_ARENA_MAX=2 \
    DJANGO_SETTINGS_MODULE=chatbot.settings \
    CHATBOT_DATA_DIR=/data \
    CHATBOT_STATIC_DIR=/srv/static
RUN useradd --system --uid 10001 --home-dir /app --shell /usr/sbin/nologin chatbot \
    && install -d -o chatbot -g chatbot /data /data/audit /data/files /data/models /srv/static
WORKDIR /app

FROM runtime AS web
# Style sheets and scripts stand in the image, not in a volume, so that an upgrade brings new ones.
COPY --from=web-packages /venv /venv
COPY --chown=root:root . .
USER chatbot
# The key is for this one command and signs nothing; the real one comes from a secret when the container starts.
RUN CHATBOT_SECRET_KEY=only-for-collecting-static-files-at-build-time python manage.py collectstatic --noinput
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/health', timeout=4)"]
CMD ["daphne", "-b", "0.0.0.0", "-p", "8000", "--websocket_timeout", "-1", "--ping-interval", "20", "--ping-timeout", "60", "--application-close-timeout", "5", "--no-server-name", "chatbot.asgi:application"]

FROM runtime AS worker
COPY --from=worker-packages /venv /venv
COPY --chown=root:root . .
USER chatbot
HEALTHCHECK --interval=60s --timeout=20s --start-period=60s --retries=3 \
    CMD ["sh", "-c", "celery -A chatbot.celery inspect ping --timeout 10 --destination \"${WORKER_NAME:-inference}@$(hostname)\""]
CMD ["celery", "-A", "chatbot.celery", "worker", "-n", "inference@%h", "-Q", "inference,gpu", "-P", "threads", "-c", "64", "--without-gossip", "--without-mingle", "-l", "INFO"]
