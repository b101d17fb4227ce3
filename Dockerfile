# One image for every role: the command chooses (`server`, `agent`, `kubelet`, `apiserver`, `store`, `middlebox`, `certs`, `ready`).
ARG NODE_IMAGE=node:22-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY scripts scripts
COPY src src
RUN npm run build && rm dist/.tsbuildinfo dist/.stamp.json

FROM ${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# What no program reads: types, source maps, texts.
RUN npm ci --omit=dev --ignore-scripts \
 && find node_modules -type f \( -name '*.map' -o -name '*.[cm]ts' -o -name '*.ts' -o -name '*.md' \) -delete

FROM ${NODE_IMAGE}
ENV NODE_ENV=production
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY package.json LICENSE ./
COPY proto proto
COPY bin deploy/health bin/
COPY examples examples
COPY scenarios scenarios
COPY --from=build /app/dist dist
# Where volumes go: a fresh one takes over its owner from here.
RUN install -d -o 1000 -g 1000 -m 0700 /certs /run/konnectivity /var/lib/konnsim /parts \
 && for part in apiserver server agent kubelet-node-1 kubelet-node-2 store middlebox observer; do \
      install -d -o 1000 -g 1000 -m 0700 "/parts/$part"; done
USER 1000:1000
WORKDIR /var/lib/konnsim
ENTRYPOINT ["node", "/app/bin/konnsim"]
CMD ["--help"]
