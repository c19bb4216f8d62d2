# One image for every worker, the inference server and the command line; the command says which.
# Node 22 is the newest on which the native TensorFlow.js package runs.
FROM node:22.21.1-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev
COPY scripts ./scripts
COPY src ./src
COPY workflows ./workflows
COPY activities ./activities
COPY workers ./workers
RUN node scripts/build.cjs

FROM node:22.21.1-bookworm-slim
# Temporal's core takes its root certificates from the system.
# hadolint ignore=DL3008
RUN apt-get update \
  && apt-get install -y --no-install-recommends ca-certificates \
  && rm -rf /var/lib/apt/lists/* \
  && mkdir -p /data /work \
  && chown node:node /data /work
WORKDIR /app
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY --from=build /app/package.json ./package.json
COPY --from=build /app/scripts/temporal-cli.cjs ./scripts/temporal-cli.cjs
ENV NODE_ENV=production \
  TITRATE_HOME=/data \
  TITRATE_WORKING_DIRECTORY=/work
# The image's user 'node', by number, so that an orchestrator can see that it is not root.
USER 1000
VOLUME /data
STOPSIGNAL SIGTERM
CMD ["node", "--enable-source-maps", "dist/workers/all.js"]
