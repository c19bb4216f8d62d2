# One network, one subnetwork. Nothing in it has an address of its own in the internet: what leaves goes through NAT.
resource "google_compute_network" "this" {
  project                         = var.project
  name                            = var.name
  auto_create_subnetworks         = false
  routing_mode                    = "REGIONAL"
  delete_default_routes_on_create = false
}

resource "google_compute_subnetwork" "nodes" {
  project                  = var.project
  region                   = var.region
  name                     = "${var.name}-nodes"
  network                  = google_compute_network.this.id
  ip_cidr_range            = var.ranges.nodes
  private_ip_google_access = true
  stack_type               = "IPV4_ONLY"

  secondary_ip_range {
    range_name    = "pods"
    ip_cidr_range = var.ranges.pods
  }

  secondary_ip_range {
    range_name    = "services"
    ip_cidr_range = var.ranges.services
  }

  log_config {
    aggregation_interval = "INTERVAL_10_MIN"
    flow_sampling        = var.flow_sampling
    metadata             = "INCLUDE_ALL_METADATA"
  }
}

resource "google_compute_router" "this" {
  project = var.project
  region  = var.region
  name    = var.name
  network = google_compute_network.this.id
}

# Sources at other hosts, Weights & Biases and Temporal Cloud are reached through it.
resource "google_compute_router_nat" "this" {
  project                             = var.project
  region                              = var.region
  name                                = var.name
  router                              = google_compute_router.this.name
  nat_ip_allocate_option              = "AUTO_ONLY"
  source_subnetwork_ip_ranges_to_nat  = "LIST_OF_SUBNETWORKS"
  enable_dynamic_port_allocation      = true
  enable_endpoint_independent_mapping = false
  min_ports_per_vm                    = 64

  subnetwork {
    name                    = google_compute_subnetwork.nodes.id
    source_ip_ranges_to_nat = ["ALL_IP_RANGES"]
  }

  log_config {
    enable = true
    filter = "ERRORS_ONLY"
  }
}

# What no rule lets in is refused anyway; said in words, it is in the logs.
resource "google_compute_firewall" "deny_ingress" {
  project       = var.project
  name          = "${var.name}-deny-ingress"
  network       = google_compute_network.this.id
  description   = "Refuses and logs what no other rule lets in."
  direction     = "INGRESS"
  priority      = 65534
  source_ranges = ["0.0.0.0/0"]

  deny {
    protocol = "all"
  }

  log_config {
    metadata = "INCLUDE_ALL_METADATA"
  }
}

# GKE itself opens 443 and 10250 from its control plane; admission and metrics of KEDA listen elsewhere.
resource "google_compute_firewall" "webhooks" {
  project       = var.project
  name          = "${var.name}-webhooks"
  network       = google_compute_network.this.id
  description   = "From the control plane to KEDA: admission webhook 9443, metrics 6443."
  direction     = "INGRESS"
  priority      = 1000
  source_ranges = [var.ranges.control_plane]
  target_tags   = [var.node_tag]

  allow {
    protocol = "tcp"
    ports    = ["6443", "9443"]
  }
}

# https://cloud.google.com/dataflow/docs/guides/routes-firewall: Dataflow gives its machines the tag "dataflow".
resource "google_compute_firewall" "dataflow" {
  project     = var.project
  name        = "${var.name}-dataflow"
  network     = google_compute_network.this.id
  description = "Workers of a Dataflow job among themselves."
  direction   = "INGRESS"
  priority    = 1000
  source_tags = ["dataflow"]
  target_tags = ["dataflow"]

  allow {
    protocol = "tcp"
    ports    = ["12345-12346"]
  }
}
