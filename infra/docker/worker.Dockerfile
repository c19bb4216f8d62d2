# One image for the workers without a GPU, the inference server and the command line; the command says which. Context: the root of the
# repository. Node 22 is the newest on which the native TensorFlow.js package runs.
# Tags can be moved: give the bases by digest (--build-arg NODE=node:22.21.1-bookworm@sha256:… NODE_SLIM=…) for builds that are to be repeated.
ARG NODE=node:22.21.1-bookworm
ARG NODE_SLIM=node:22.21.1-bookworm-slim

FROM ${NODE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev
COPY scripts ./scripts
COPY src ./src
COPY workflows ./workflows
COPY activities ./activities
COPY workers ./workers
COPY infra/docker/slim-modules.cjs ./infra/docker/slim-modules.cjs
# Seconds since 1970 that every file of the image has as its time.
ARG SOURCE_DATE_EPOCH=0
RUN node scripts/build.cjs \
  && node infra/docker/slim-modules.cjs node_modules dist package.json scripts/temporal-cli.cjs

FROM ${NODE_SLIM}
# Whose certificates are trusted: the slim image has none.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
WORKDIR /app
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY --from=build /app/package.json ./package.json
COPY --from=build /app/scripts/temporal-cli.cjs ./scripts/temporal-cli.cjs
RUN mkdir -p /data /work \
  && chown node:node /data /work
ENV NODE_ENV=production \
  TITRATE_HOME=/data \
  TITRATE_WORKING_DIRECTORY=/work
# The image's user 'node', by number, so that an orchestrator can see that it is not root.
USER 1000
VOLUME /data
STOPSIGNAL SIGTERM
CMD ["node", "--enable-source-maps", "dist/workers/all.js"]
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="titrate worker" \
  org.opencontainers.image.description="Workers, inference server and command line of titrate" \
  org.opencontainers.image.licenses="Apache-2.0" \
  org.opencontainers.image.version="${VERSION}" \
  org.opencontainers.image.revision="${REVISION}"
