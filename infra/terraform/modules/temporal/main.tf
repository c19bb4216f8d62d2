# PostgreSQL for a Temporal server of one's own (infra/temporal has the chart's values). With Temporal Cloud this module is not used.
resource "google_compute_global_address" "services" {
  project       = var.project
  name          = "${var.name}-services"
  network       = var.network
  purpose       = "VPC_PEERING"
  address_type  = "INTERNAL"
  address       = cidrhost(var.services_range, 0)
  prefix_length = tonumber(split("/", var.services_range)[1])
}

resource "google_service_networking_connection" "this" {
  network                 = var.network
  service                 = "servicenetworking.googleapis.com"
  reserved_peering_ranges = [google_compute_global_address.services.name]
  # The connection may be used by others in the network.
  deletion_policy = "ABANDON"
}

resource "google_sql_database_instance" "this" {
  project             = var.project
  region              = var.region
  name                = var.name
  database_version    = "POSTGRES_16"
  deletion_protection = var.deletion_protection

  settings {
    tier                        = var.tier
    edition                     = "ENTERPRISE"
    availability_type           = var.standby ? "REGIONAL" : "ZONAL"
    disk_type                   = "PD_SSD"
    disk_size                   = 20
    disk_autoresize             = true
    disk_autoresize_limit       = 500
    deletion_protection_enabled = var.deletion_protection
    connector_enforcement       = "NOT_REQUIRED"
    user_labels                 = var.labels

    ip_configuration {
      ipv4_enabled    = false
      private_network = var.network
      ssl_mode        = "ENCRYPTED_ONLY"
      server_ca_mode  = "GOOGLE_MANAGED_INTERNAL_CA"
    }

    backup_configuration {
      enabled                        = true
      point_in_time_recovery_enabled = true
      start_time                     = "02:00"
      transaction_log_retention_days = 7

      backup_retention_settings {
        retained_backups = var.backups
        retention_unit   = "COUNT"
      }
    }

    maintenance_window {
      day          = 6
      hour         = 4
      update_track = "stable"
    }

    insights_config {
      query_insights_enabled = true
    }

    # What is in the logs when something was slow or refused.
    database_flags {
      name  = "log_checkpoints"
      value = "on"
    }
    database_flags {
      name  = "log_connections"
      value = "on"
    }
    database_flags {
      name  = "log_disconnections"
      value = "on"
    }
    database_flags {
      name  = "log_lock_waits"
      value = "on"
    }
    database_flags {
      name  = "log_hostname"
      value = "on"
    }
    database_flags {
      name  = "log_statement"
      value = "ddl"
    }
    database_flags {
      name  = "log_temp_files"
      value = "0"
    }
    database_flags {
      name  = "log_min_messages"
      value = "warning"
    }
    database_flags {
      name  = "log_min_error_statement"
      value = "error"
    }
    database_flags {
      name  = "log_min_duration_statement"
      value = "-1"
    }
    database_flags {
      name  = "cloudsql.enable_pgaudit"
      value = "on"
    }
  }

  depends_on = [google_service_networking_connection.this]
}

resource "google_sql_database" "this" {
  for_each = toset(["temporal", "temporal_visibility"])

  project         = var.project
  instance        = google_sql_database_instance.this.name
  name            = each.value
  deletion_policy = "ABANDON" # goes with the instance, which is protected
}

# Write-only: the password is handed to Cloud SQL and does not stand in the state. (A plan that is saved to a file has it, as it has all variables.)
resource "google_sql_user" "temporal" {
  count = var.password_version == 0 ? 0 : 1

  project             = var.project
  instance            = google_sql_database_instance.this.name
  name                = "temporal"
  password_wo         = var.password
  password_wo_version = var.password_version
  deletion_policy     = "ABANDON"
}
