#!/bin/sh
# Prints alertmanager.yml with the addresses that variables name put into its receivers; docker-compose.yml starts Alertmanager with it.
#   TITRATE_PAGES_WEBHOOK   TITRATE_TICKETS_WEBHOOK   address that gets each message as JSON
#   TITRATE_PAGES_SLACK     TITRATE_TICKETS_SLACK     address of an incoming webhook of Slack
#   TITRATE_PAGES_EMAIL     TITRATE_TICKETS_EMAIL     to whom; then also TITRATE_ALERTS_SMTP (host:port) and TITRATE_ALERTS_FROM,
#                                                     and where the server asks TITRATE_ALERTS_SMTP_USER, TITRATE_ALERTS_SMTP_PASSWORD
# Usage: alertmanager.sh alertmanager.yml > DIRECTORY/alertmanager.yml
set -eu

fail() {
  echo "alertmanager.sh: $1" >&2
  exit 1
}

# In single quotes of YAML a quote is written twice.
quoted() {
  printf "'%s'" "$(printf %s "$1" | sed "s/'/''/g")"
}

receiver() {
  webhook=$1 slack=$2 email=$3
  if [ -n "$webhook" ]; then
    printf '    webhook_configs:\n      - url: %s\n        send_resolved: true\n' "$(quoted "$webhook")"
  fi
  if [ -n "$slack" ]; then
    printf '    slack_configs:\n      - api_url: %s\n        send_resolved: true\n' "$(quoted "$slack")"
    # shellcheck disable=SC2016
    printf "        title: '{{ .CommonLabels.alertname }} ({{ .Status }})'\n        text: '{{ range .Alerts }}{{ .Annotations.summary }} {{ .Annotations.description }} ({{ .Annotations.runbook }}) {{ end }}'\n"
  fi
  if [ -n "$email" ]; then
    [ -n "${TITRATE_ALERTS_SMTP:-}" ] || fail "an email address is given and TITRATE_ALERTS_SMTP (host:port) is not"
    [ -n "${TITRATE_ALERTS_FROM:-}" ] || fail "an email address is given and TITRATE_ALERTS_FROM is not"
    printf '    email_configs:\n      - to: %s\n        from: %s\n        smarthost: %s\n        send_resolved: true\n' \
      "$(quoted "$email")" "$(quoted "$TITRATE_ALERTS_FROM")" "$(quoted "$TITRATE_ALERTS_SMTP")"
    if [ -n "${TITRATE_ALERTS_SMTP_USER:-}" ]; then
      printf '        auth_username: %s\n        auth_password: %s\n' \
        "$(quoted "$TITRATE_ALERTS_SMTP_USER")" "$(quoted "${TITRATE_ALERTS_SMTP_PASSWORD:-}")"
    fi
  fi
}

# A line break would begin another line of the file.
for value in "${TITRATE_PAGES_WEBHOOK:-}${TITRATE_PAGES_SLACK:-}${TITRATE_PAGES_EMAIL:-}" \
  "${TITRATE_TICKETS_WEBHOOK:-}${TITRATE_TICKETS_SLACK:-}${TITRATE_TICKETS_EMAIL:-}" \
  "${TITRATE_ALERTS_SMTP:-}${TITRATE_ALERTS_FROM:-}${TITRATE_ALERTS_SMTP_USER:-}${TITRATE_ALERTS_SMTP_PASSWORD:-}"; do
  [ "$(printf %s "$value" | wc -l)" -eq 0 ] || fail 'a variable holds a line break'
done
[ $# -eq 1 ] && [ -r "$1" ] || fail "give the path of alertmanager.yml"
pages=$(receiver "${TITRATE_PAGES_WEBHOOK:-}" "${TITRATE_PAGES_SLACK:-}" "${TITRATE_PAGES_EMAIL:-}")
tickets=$(receiver "${TITRATE_TICKETS_WEBHOOK:-}" "${TITRATE_TICKETS_SLACK:-}" "${TITRATE_TICKETS_EMAIL:-}")
while IFS= read -r line || [ -n "$line" ]; do
  printf '%s\n' "$line"
  case $line in
    '  - name: pages') [ -z "$pages" ] || printf '%s\n' "$pages" ;;
    '  - name: tickets') [ -z "$tickets" ] || printf '%s\n' "$tickets" ;;
  esac
done < "$1"
