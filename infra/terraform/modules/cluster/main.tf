# A private cluster: nodes without public addresses, a control plane without a public one, pods with identities of their own.
resource "google_service_account" "nodes" {
  project      = var.project
  account_id   = "${var.name}-nodes"
  display_name = "titrate: nodes of the cluster"
  description  = "Writes the nodes' logs and metrics and pulls images. Pods do not get it: they have accounts of their own."
}

resource "google_project_iam_member" "nodes" {
  project = var.project
  role    = "roles/container.defaultNodeServiceAccount"
  member  = "serviceAccount:${google_service_account.nodes.email}"
}

resource "google_container_cluster" "this" {
  project             = var.project
  name                = var.name
  location            = var.location
  deletion_protection = var.deletion_protection
  resource_labels     = var.labels

  network           = var.network
  subnetwork        = var.subnetwork
  networking_mode   = "VPC_NATIVE"
  datapath_provider = "ADVANCED_DATAPATH" # Dataplane V2: it is what enforces the network policies

  # Pools are resources of their own below.
  remove_default_node_pool = true
  initial_node_count       = 1

  enable_shielded_nodes       = true
  enable_intranode_visibility = true
  enable_l4_ilb_subsetting    = true
  enable_legacy_abac          = false

  ip_allocation_policy {
    cluster_secondary_range_name  = "pods"
    services_secondary_range_name = "services"
  }

  private_cluster_config {
    enable_private_nodes    = true
    enable_private_endpoint = true
    master_ipv4_cidr_block  = var.control_plane_range

    master_global_access_config {
      enabled = false
    }
  }

  # No address but the listed ones, and those are private.
  master_authorized_networks_config {
    gcp_public_cidrs_access_enabled = false

    dynamic "cidr_blocks" {
      for_each = var.authorized_networks
      content {
        display_name = cidr_blocks.key
        cidr_block   = cidr_blocks.value
      }
    }
  }

  # A name of Google's that asks IAM before anything of the cluster is reached (container.clusters.connect): no address to scan, no bastion.
  control_plane_endpoints_config {
    dns_endpoint_config {
      allow_external_traffic = var.control_plane_by_name
    }
  }

  # No passwords and no certificates: whoever comes, comes by IAM.
  master_auth {
    client_certificate_config {
      issue_client_certificate = false
    }
  }

  workload_identity_config {
    workload_pool = "${var.project}.svc.id.goog"
  }

  dynamic "authenticator_groups_config" {
    for_each = var.security_group == null ? [] : [var.security_group]
    content {
      security_group = authenticator_groups_config.value
    }
  }

  dynamic "database_encryption" {
    for_each = var.kms_key == null ? [] : [var.kms_key]
    content {
      state    = "ENCRYPTED"
      key_name = database_encryption.value
    }
  }

  binary_authorization {
    evaluation_mode = "PROJECT_SINGLETON_POLICY_ENFORCE"
  }

  security_posture_config {
    mode               = "BASIC"
    vulnerability_mode = "VULNERABILITY_BASIC"
  }

  release_channel {
    channel = var.release_channel
  }

  maintenance_policy {
    recurring_window {
      start_time = var.maintenance.start
      end_time   = var.maintenance.end
      recurrence = var.maintenance.recurrence
    }
  }

  # Pools are sized one by one; nodes that stand half empty are given back sooner than by default.
  cluster_autoscaling {
    enabled             = false
    autoscaling_profile = "OPTIMIZE_UTILIZATION"
  }

  logging_config {
    enable_components = ["SYSTEM_COMPONENTS", "WORKLOADS"]
  }

  monitoring_config {
    enable_components = ["SYSTEM_COMPONENTS", "POD", "DEPLOYMENT", "HPA"]

    managed_prometheus {
      enabled = true
    }
  }

  addons_config {
    horizontal_pod_autoscaling {
      disabled = false
    }
    http_load_balancing {
      disabled = false # the Gateway API needs it
    }
    dns_cache_config {
      enabled = true
    }
    gce_persistent_disk_csi_driver_config {
      enabled = true
    }
  }

  gateway_api_config {
    channel = "CHANNEL_STANDARD"
  }

  cost_management_config {
    enabled = true
  }

  # Of the pool that is made with the cluster and removed at once.
  node_config {
    service_account = google_service_account.nodes.email
    oauth_scopes    = ["https://www.googleapis.com/auth/cloud-platform"]
    tags            = [var.node_tag]

    shielded_instance_config {
      enable_secure_boot          = true
      enable_integrity_monitoring = true
    }
    workload_metadata_config {
      mode = "GKE_METADATA"
    }
  }

  lifecycle {
    # The removed pool's settings, and versions that the release channel chooses.
    ignore_changes = [node_config, min_master_version, node_version]
  }

  depends_on = [google_project_iam_member.nodes]
}

resource "google_container_node_pool" "this" {
  for_each = { for name, pool in var.pools : name => pool if pool.max > 0 }

  project  = var.project
  cluster  = google_container_cluster.this.name
  location = var.location
  name     = each.key

  # Not every zone has every GPU.
  node_locations = each.value.zones

  # Counted over all zones.
  initial_node_count = each.value.min == 0 ? 0 : 1
  autoscaling {
    total_min_node_count = each.value.min
    total_max_node_count = each.value.max
    # A pool that starts from none takes whichever zone has a machine; one that stands is spread.
    location_policy = each.value.min == 0 ? "ANY" : "BALANCED"
  }

  management {
    auto_repair  = true
    auto_upgrade = true
  }

  # GPUs are short: an upgrade does not ask for one more.
  upgrade_settings {
    strategy        = "SURGE"
    max_surge       = each.value.accelerator == null ? 1 : 0
    max_unavailable = each.value.accelerator == null ? 0 : 1
  }

  node_config {
    machine_type      = each.value.machine_type
    spot              = each.value.spot
    image_type        = "COS_CONTAINERD"
    disk_type         = "pd-balanced"
    disk_size_gb      = each.value.disk_gb
    boot_disk_kms_key = var.kms_key
    service_account   = google_service_account.nodes.email
    oauth_scopes      = ["https://www.googleapis.com/auth/cloud-platform"] # what may be done is IAM's to say
    tags              = [var.node_tag]
    labels            = { "titrate.dev/pool" = each.key }
    resource_labels   = merge(var.labels, { pool = each.key })
    metadata          = { "disable-legacy-endpoints" = "true" }

    # Only what says that it may be taken away at any moment goes onto machines that are. (GKE itself taints nodes with GPUs.)
    dynamic "taint" {
      for_each = each.value.spot ? [1] : []
      content {
        key    = "cloud.google.com/gke-spot"
        value  = "true"
        effect = "NO_SCHEDULE"
      }
    }

    dynamic "guest_accelerator" {
      for_each = each.value.accelerator == null ? [] : [each.value.accelerator]
      content {
        type  = guest_accelerator.value.type
        count = guest_accelerator.value.count

        gpu_driver_installation_config {
          gpu_driver_version = "DEFAULT"
        }
      }
    }

    shielded_instance_config {
      enable_secure_boot          = true
      enable_integrity_monitoring = true
    }

    kubelet_config {
      insecure_kubelet_readonly_port_enabled = "FALSE"
    }

    # Pods see the metadata server of Workload Identity, never the node's account.
    workload_metadata_config {
      mode = "GKE_METADATA"
    }
  }

  lifecycle {
    # From then on the autoscaler counts.
    ignore_changes = [initial_node_count]
  }
}
