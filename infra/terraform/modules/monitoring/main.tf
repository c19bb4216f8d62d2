# What Cloud Monitoring looks at and whom it tells. The rules of infra/monitoring/rules become alert policies here, word for word: with Managed
# Prometheus their metrics are Cloud Monitoring's too. Beside them stands what Prometheus does not see.
locals {
  rules = {
    for rule in flatten([for file in var.rule_files : [for group in yamldecode(file).groups : group.rules]]) : rule.alert => rule
    if can(rule.alert)
  }
  units = { s = 1, m = 60, h = 3600 }
  # 5m of Prometheus is 300s of Google.
  seconds = {
    for name, rule in local.rules : name =>
    tonumber(regex("^([0-9]+)([smh])$", lookup(rule, "for", "0s"))[0]) * local.units[regex("^([0-9]+)([smh])$", lookup(rule, "for", "0s"))[1]]
  }
  channels   = [for channel in google_monitoring_notification_channel.email : channel.id]
  severities = { page = "CRITICAL", ticket = "WARNING" }
}

resource "google_monitoring_notification_channel" "email" {
  for_each = toset(var.emails)

  project      = var.project
  display_name = "titrate: ${each.value}"
  type         = "email"
  labels       = { email_address = each.value }
}

resource "google_monitoring_alert_policy" "rules" {
  for_each = local.rules

  project               = var.project
  display_name          = each.key
  combiner              = "OR"
  severity              = local.severities[each.value.labels.severity]
  notification_channels = local.channels
  user_labels           = var.labels

  conditions {
    display_name = each.key

    condition_prometheus_query_language {
      query               = each.value.expr
      duration            = "${local.seconds[each.key]}s"
      evaluation_interval = "30s"
      alert_rule          = each.key
      labels              = each.value.labels
      # Queues without workers have no metrics, and a fresh project has none at all.
      disable_metric_validation = true
    }
  }

  documentation {
    mime_type = "text/markdown"
    # {{ $labels.x }} of Prometheus, as Cloud Monitoring writes it.
    content = join("\n\n", compact([
      replace(each.value.annotations.summary, "/\\{\\{ *\\$labels\\.([a-z_]+) *\\}\\}/", "$${metric_or_resource.label.$1}"),
      can(each.value.annotations.runbook) ? "What to do: ${each.value.annotations.runbook}" : null,
    ]))
  }

  alert_strategy {
    auto_close = "86400s"
  }
}

# Of Google's own metrics.
resource "google_monitoring_alert_policy" "platform" {
  for_each = {
    for name, policy in {
      TitrateContainersRestart = {
        what      = "A container of titrate was restarted five times in an hour. `kubectl -n ${var.namespace} describe pod` says why."
        severity  = "WARNING"
        filter    = "resource.type = \"k8s_container\" AND resource.labels.namespace_name = \"${var.namespace}\" AND metric.type = \"kubernetes.io/container/restart_count\""
        aligner   = "ALIGN_DELTA"
        period    = "3600s"
        reducer   = "REDUCE_SUM"
        group     = ["resource.label.namespace_name", "resource.label.pod_name"]
        threshold = 5
        duration  = "0s"
        enabled   = true
      }
      TitrateDataflowFailed = {
        what      = "A Dataflow job has failed. Its messages are in the failure of the activity that started it."
        severity  = "WARNING"
        filter    = "resource.type = \"dataflow_job\" AND metric.type = \"dataflow.googleapis.com/job/is_failed\""
        aligner   = "ALIGN_MAX"
        period    = "300s"
        reducer   = "REDUCE_SUM"
        group     = ["resource.label.job_name"]
        threshold = 0
        duration  = "0s"
        enabled   = true
      }
      TitrateQuotaNearItsEnd = {
        what      = "More than 90 % of a compute quota is in use: pools and jobs will wait for machines. Ask for more under IAM & Admin, Quotas."
        severity  = "WARNING"
        filter    = "resource.type = \"compute.googleapis.com/Location\" AND metric.type = \"compute.googleapis.com/quota/cpus_per_vm_family/usage\""
        aligner   = "ALIGN_MAX"
        period    = "3600s"
        reducer   = "REDUCE_MAX"
        group     = ["metric.label.vm_family"]
        threshold = 0.9 * var.cpu_quota
        duration  = "0s"
        enabled   = var.cpu_quota > 0
      }
      TitrateDatabaseDisk = {
        what      = "The disk of Temporal's database is four fifths full. It grows by itself up to disk_autoresize_limit (modules/temporal)."
        severity  = "WARNING"
        filter    = "resource.type = \"cloudsql_database\" AND metric.type = \"cloudsql.googleapis.com/database/disk/utilization\""
        aligner   = "ALIGN_MAX"
        period    = "300s"
        reducer   = "REDUCE_MAX"
        group     = ["resource.label.database_id"]
        threshold = 0.8
        duration  = "1800s"
        enabled   = var.database
      }
      TitrateDatabaseCpu = {
        what      = "The CPU of Temporal's database is at its end: workflows go slowly. Take a larger tier (temporal.tier)."
        severity  = "WARNING"
        filter    = "resource.type = \"cloudsql_database\" AND metric.type = \"cloudsql.googleapis.com/database/cpu/utilization\""
        aligner   = "ALIGN_MEAN"
        period    = "300s"
        reducer   = "REDUCE_MAX"
        group     = ["resource.label.database_id"]
        threshold = 0.9
        duration  = "1800s"
        enabled   = var.database
      }
    } : name => policy if policy.enabled
  }

  project               = var.project
  display_name          = each.key
  combiner              = "OR"
  severity              = each.value.severity
  notification_channels = local.channels
  user_labels           = var.labels

  conditions {
    display_name = each.key

    condition_threshold {
      filter          = each.value.filter
      comparison      = "COMPARISON_GT"
      threshold_value = each.value.threshold
      duration        = each.value.duration

      aggregations {
        alignment_period     = each.value.period
        per_series_aligner   = each.value.aligner
        cross_series_reducer = each.value.reducer
        group_by_fields      = each.value.group
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = each.value.what
  }

  alert_strategy {
    auto_close = "86400s"
  }
}

# Rights change by Terraform and by nobody else: whoever applied it knows.
resource "google_monitoring_alert_policy" "rights" {
  project               = var.project
  display_name          = "TitrateRightsChanged"
  combiner              = "OR"
  severity              = "WARNING"
  notification_channels = local.channels
  user_labels           = var.labels

  conditions {
    display_name = "SetIamPolicy"

    condition_matched_log {
      filter = "log_id(\"cloudaudit.googleapis.com/activity\") AND protoPayload.methodName =~ \"(?i)setIamPolicy\""
      label_extractors = {
        who   = "EXTRACT(protoPayload.authenticationInfo.principalEmail)"
        where = "EXTRACT(protoPayload.resourceName)"
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "$${log.extracted_label.who} changed who may do what on $${log.extracted_label.where}. If it was no apply of Terraform, find out and take it back: `terraform plan` shows what differs."
  }

  alert_strategy {
    auto_close = "3600s"
    notification_rate_limit {
      period = "3600s"
    }
  }
}

resource "google_monitoring_dashboard" "this" {
  for_each = fileset("${path.module}/dashboards", "*.json")

  project        = var.project
  dashboard_json = file("${path.module}/dashboards/${each.value}")
}

# Only of what is reached from the internet: a host of the Gateway, Temporal Cloud. Nothing is made public to be checked.
resource "google_monitoring_uptime_check_config" "https" {
  for_each = var.uptime_hosts

  project            = var.project
  display_name       = "titrate: ${each.key}"
  timeout            = "10s"
  period             = "60s"
  checker_type       = "STATIC_IP_CHECKERS"
  log_check_failures = true
  user_labels        = var.labels

  monitored_resource {
    type   = "uptime_url"
    labels = { project_id = var.project, host = each.key }
  }

  http_check {
    path           = each.value
    port           = 443
    use_ssl        = true
    validate_ssl   = true
    request_method = "GET"
  }
}

resource "google_monitoring_uptime_check_config" "temporal" {
  count = var.temporal_cloud == null ? 0 : 1

  project            = var.project
  display_name       = "titrate: Temporal Cloud"
  timeout            = "10s"
  period             = "60s"
  checker_type       = "STATIC_IP_CHECKERS"
  log_check_failures = true
  user_labels        = var.labels

  monitored_resource {
    type   = "uptime_url"
    labels = { project_id = var.project, host = var.temporal_cloud.host }
  }

  tcp_check {
    port = var.temporal_cloud.port
  }
}

resource "google_monitoring_alert_policy" "uptime" {
  for_each = merge(
    { for host, check in google_monitoring_uptime_check_config.https : host => check.uptime_check_id },
    { for check in google_monitoring_uptime_check_config.temporal : "Temporal Cloud" => check.uptime_check_id },
  )

  project               = var.project
  display_name          = "TitrateUnreachable: ${each.key}"
  combiner              = "OR"
  severity              = "CRITICAL"
  notification_channels = local.channels
  user_labels           = var.labels

  conditions {
    display_name = "not reached from two regions or more"

    condition_threshold {
      filter          = "resource.type = \"uptime_url\" AND metric.type = \"monitoring.googleapis.com/uptime_check/check_passed\" AND metric.labels.check_id = \"${each.value}\""
      comparison      = "COMPARISON_GT"
      threshold_value = 1
      duration        = "120s"

      aggregations {
        alignment_period     = "120s"
        per_series_aligner   = "ALIGN_NEXT_OLDER"
        cross_series_reducer = "REDUCE_COUNT_FALSE"
        group_by_fields      = ["resource.label.host"]
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "${each.key} is not reached from the internet. What to do: docs/runbooks/process-down.md"
  }

  alert_strategy {
    auto_close = "86400s"
  }
}
